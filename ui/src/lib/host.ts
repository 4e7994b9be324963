/**
 * The one seam to the host: every command and every event of the window stands here.
 *
 * Owns names and argument shapes only. Deliberately keeps no state and interprets nothing, so that the demo's
 * mock and the tests' fake can stand in for it.
 */
import { invoke } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';

import type {
  Answer,
  CheckView,
  ChosenStatus,
  Interest,
  InvitationView,
  InviteShown,
  NearbyTeam,
  NewerView,
  Preset,
  Problem,
  SettingsView,
  Snapshot,
  TeamPane,
  Update,
  VersionView,
  When,
} from './contract';

/** What a person says about themselves. `forMinutes` null means until they say otherwise. */
export type Choice = {
  status: ChosenStatus;
  text: string | null;
  emoji: string | null;
  forMinutes: number | null;
};

/** What is asked of an invitation. */
export type InviteOrder = {
  /** It is for a further device of mine. */
  forMe: boolean;
  uses: number;
  lastsSeconds: number;
};

/** What the host tells by itself beside the snapshot and its updates, and what it sends along. */
export type News = {
  /** A link was followed and waits to be taken. */
  link: null;
  /** All teams that are seen on the local network now. */
  nearby: NearbyTeam[];
  /** Asking to be let in came to nothing, and why. Had it come to something, there would be a snapshot. */
  request: Problem;
  /** Members, invitations or requests changed. */
  team: null;
  /** So much of a newer version is here, in percent. */
  fetched: number;
};

export interface Host {
  snapshot(): Promise<Snapshot>;
  /** Resolves once both events are being heard; the function it gives stops hearing them. */
  hear(onSnapshot: (whole: Snapshot) => void, onUpdate: (change: Update) => void): Promise<() => void>;
  choose(choice: Choice): Promise<void>;
  /** From here on the status follows what the device observes. */
  clearChosen(): Promise<void>;
  reconnectNow(): Promise<void>;
  lookAround(): Promise<void>;

  /** Asks somebody whether they have a minute. What becomes of it stands in the view. */
  knock(to: string, text: string | null, when: When): Promise<void>;
  wave(to: string, emoji: string | null): Promise<void>;
  answer(from: string, id: string, answer: Answer): Promise<void>;
  /** The conversation with somebody is open: what they said was seen. */
  see(from: string): Promise<void>;
  /** A knock of mine, or one that waits for both, counts no more. */
  withdraw(who: string, id: string): Promise<void>;
  /** A key was pressed in a text to one person, or to the room. */
  typeTo(to: string | null): Promise<void>;
  stopTyping(to: string | null): Promise<void>;
  tellWhenBack(user: string, wanted: boolean): Promise<void>;
  mute(user: string, muted: boolean): Promise<void>;
  /** Opens what somebody publishes, with whatever this system opens it with. The host looks at it again. */
  openLink(user: string, link: string): Promise<void>;

  /** What I want of this app for myself: nobody else learns of it. It comes back in the view. */
  favourite(user: string, favourite: boolean): Promise<void>;
  nickname(user: string, nickname: string | null): Promise<void>;
  noticesOf(user: string, interest: Interest): Promise<void>;
  hideOffline(hide: boolean): Promise<void>;
  keepPresets(presets: Preset[]): Promise<void>;
  /** Nothing pops up for so long; from now on it does again, where that is null. */
  pauseNotices(forMinutes: number | null): Promise<void>;

  /** What stands in the config. */
  settings(): Promise<SettingsView>;
  changeSettings(settings: SettingsView): Promise<void>;
  /** What the app lives by on this computer, looked for now. It may take seconds. */
  checks(): Promise<CheckView[]>;
  /** What helps whoever is asked for help, and holds no secret. */
  diagnostics(): Promise<string>;
  version(): Promise<VersionView>;
  /** The newer version that is there, looked for at most every few hours and where the person wants that. */
  lookForNewer(): Promise<NewerView | null>;
  /** Puts the one that was found in the place of this one. Then this window ends, and the new one's opens. */
  takeNewer(): Promise<void>;

  /** Resolves once the news is being heard; the function it gives stops hearing it. */
  listen<Name extends keyof News>(name: Name, told: (news: News[Name]) => void): Promise<() => void>;
  /**
   * Where the system's keyring does not keep what lets this device in, this is refused with a code that begins
   * as `KEYRING_CODES` does; `keepInFile` is for somebody who was told what that means.
   */
  startTeam(team: string, name: string, keepInFile: boolean): Promise<void>;
  /** The link that was followed, which the host then has no longer. */
  takeLink(): Promise<string | null>;
  readLink(link: string): Promise<InvitationView>;
  join(link: string, name: string, keepInFile: boolean): Promise<void>;
  lookNearby(on: boolean): Promise<void>;
  /** Gives the four digits by which the other side knows us. */
  askToJoin(id: string, name: string, keepInFile: boolean): Promise<string>;
  stopAsking(): Promise<void>;

  team(): Promise<TeamPane>;
  invite(order: InviteOrder): Promise<InviteShown>;
  revokeInvite(id: string): Promise<void>;
  decide(id: string, approve: boolean): Promise<void>;
  removeMember(user: string, withInvited: boolean): Promise<void>;
  forgetDevice(id: string): Promise<void>;
  leaveTeam(): Promise<void>;
  /** From then on this computer hosts the team. */
  moveHere(): Promise<void>;
}

export const host: Host = {
  snapshot: () => invoke('snapshot'),
  async hear(onSnapshot, onUpdate) {
    const endSnapshots = await listen<Snapshot>('snapshot', (event) => onSnapshot(event.payload));
    const endUpdates = await listen<Update>('update', (event) => onUpdate(event.payload));
    return () => {
      endSnapshots();
      endUpdates();
    };
  },
  choose: (choice) => invoke('choose', { ...choice }),
  clearChosen: () => invoke('clear_chosen'),
  reconnectNow: () => invoke('reconnect_now'),
  lookAround: () => invoke('look_around'),

  knock: (to, text, when) => invoke('knock', { to, text, when }),
  wave: (to, emoji) => invoke('wave', { to, emoji }),
  answer: (from, id, answer) => invoke('answer', { from, id, answer }),
  see: (from) => invoke('see', { from }),
  withdraw: (who, id) => invoke('withdraw', { with: who, id }),
  typeTo: (to) => invoke('type_to', { to }),
  stopTyping: (to) => invoke('stop_typing', { to }),
  tellWhenBack: (user, wanted) => invoke('tell_when_back', { user, wanted }),
  mute: (user, muted) => invoke('mute', { user, muted }),
  openLink: (user, link) => invoke('open_link', { user, link }),

  favourite: (user, favourite) => invoke('favourite', { user, favourite }),
  nickname: (user, nickname) => invoke('nickname', { user, nickname }),
  noticesOf: (user, interest) => invoke('notices_of', { user, interest }),
  hideOffline: (hide) => invoke('hide_offline', { hide }),
  keepPresets: (presets) => invoke('keep_presets', { presets }),
  pauseNotices: (forMinutes) => invoke('pause_notices', { forMinutes }),

  settings: () => invoke('settings'),
  changeSettings: (settings) => invoke('change_settings', { settings }),
  checks: () => invoke('checks'),
  diagnostics: () => invoke('diagnostics'),
  version: () => invoke('version'),
  lookForNewer: () => invoke('look_for_newer'),
  takeNewer: () => invoke('take_newer'),

  listen: (name, told) => listen<News[typeof name]>(name, (event) => told(event.payload)),
  startTeam: (team, name, keepInFile) => invoke('start_team', { team, name, keepInFile }),
  takeLink: () => invoke('take_link'),
  readLink: (link) => invoke('read_link', { link }),
  join: (link, name, keepInFile) => invoke('join', { link, name, keepInFile }),
  lookNearby: (on) => invoke('look_nearby', { on }),
  askToJoin: (id, name, keepInFile) => invoke('ask_to_join', { id, name, keepInFile }),
  stopAsking: () => invoke('stop_asking'),

  team: () => invoke('team'),
  invite: ({ forMe, uses, lastsSeconds }) => invoke('invite', { forMe, uses, lastsSeconds }),
  revokeInvite: (id) => invoke('revoke_invite', { id }),
  decide: (id, approve) => invoke('decide', { id, approve }),
  removeMember: (user, withInvited) => invoke('remove_member', { user, withInvited }),
  forgetDevice: (id) => invoke('forget_device', { id }),
  leaveTeam: () => invoke('leave_team'),
  moveHere: () => invoke('move_here'),
};
