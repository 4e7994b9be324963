/**
 * The window's only interface to the host: all commands and events.
 *
 * Owns names and argument shapes only. Deliberately keeps no state and interprets nothing, so that the demo's
 * mock and the tests' fake can replace it.
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

/** The status that a person chooses. `forMinutes` null means until they choose again. */
export type Choice = {
  status: ChosenStatus;
  text: string | null;
  emoji: string | null;
  forMinutes: number | null;
};

/** The properties of a new invitation. */
export type InviteOrder = {
  /** It is for another device of mine. */
  forMe: boolean;
  uses: number;
  lastsSeconds: number;
};

/** The events that the host sends besides the snapshot and its updates, with their payloads. */
export type News = {
  /** A link was followed and waits to be taken. */
  link: null;
  /** All teams that are now visible on the local network. */
  nearby: NearbyTeam[];
  /** The request to join failed, and why. After a success there is a snapshot instead. */
  request: Problem;
  /** Members, invitations or requests changed. */
  team: null;
  /** The progress of an update's download, in percent. */
  fetched: number;
};

export interface Host {
  snapshot(): Promise<Snapshot>;
  /** Resolves once both events have listeners; the returned function removes them. */
  hear(onSnapshot: (whole: Snapshot) => void, onUpdate: (change: Update) => void): Promise<() => void>;
  choose(choice: Choice): Promise<void>;
  /** From now on the status follows the device's activity. */
  clearChosen(): Promise<void>;
  reconnectNow(): Promise<void>;
  lookAround(): Promise<void>;

  /** Asks a person whether they have a minute. The view shows the progress. */
  knock(to: string, text: string | null, when: When): Promise<void>;
  wave(to: string, emoji: string | null): Promise<void>;
  answer(from: string, id: string, answer: Answer): Promise<void>;
  /** The conversation with a person is open: their messages were seen. */
  see(from: string): Promise<void>;
  /** Withdraws my knock, or one that waits until both are available. */
  withdraw(who: string, id: string): Promise<void>;
  /** A key was pressed in a text to one person, or to the team. */
  typeTo(to: string | null): Promise<void>;
  stopTyping(to: string | null): Promise<void>;
  tellWhenBack(user: string, wanted: boolean): Promise<void>;
  mute(user: string, muted: boolean): Promise<void>;
  /** Opens a contact link with the system's program for it. The host checks the link again. */
  openLink(user: string, link: string): Promise<void>;

  /** Sets my private preferences. Nobody else sees them. The view contains them. */
  favourite(user: string, favourite: boolean): Promise<void>;
  nickname(user: string, nickname: string | null): Promise<void>;
  noticesOf(user: string, interest: Interest): Promise<void>;
  hideOffline(hide: boolean): Promise<void>;
  keepPresets(presets: Preset[]): Promise<void>;
  /** Pauses notifications for that many minutes; null resumes them. */
  pauseNotices(forMinutes: number | null): Promise<void>;

  /** Returns the settings of the config file. */
  settings(): Promise<SettingsView>;
  changeSettings(settings: SettingsView): Promise<void>;
  /** Checks what the app needs on this computer. It may take seconds. */
  checks(): Promise<CheckView[]>;
  /** Returns diagnostics for a support request, without secrets. */
  diagnostics(): Promise<string>;
  version(): Promise<VersionView>;
  /** Returns the available update. The host looks every few hours at most, and only if the person allows it. */
  lookForNewer(): Promise<NewerView | null>;
  /** Installs the update that was found. Then this window closes, and the new version's opens. */
  takeNewer(): Promise<void>;

  /** Resolves once the event has a listener; the returned function removes it. */
  listen<Name extends keyof News>(name: Name, told: (news: News[Name]) => void): Promise<() => void>;
  /**
   * If the system's keyring does not store this device's secret, the host refuses with a code that begins as in
   * `KEYRING_CODES`; `keepInFile` is for a person who was informed of what that means.
   */
  startTeam(team: string, name: string, keepInFile: boolean): Promise<void>;
  /** Returns the followed link and removes it from the host. */
  takeLink(): Promise<string | null>;
  readLink(link: string): Promise<InvitationView>;
  join(link: string, name: string, keepInFile: boolean): Promise<void>;
  lookNearby(on: boolean): Promise<void>;
  /** Returns the four digits by which the other side recognizes us. */
  askToJoin(id: string, name: string, keepInFile: boolean): Promise<string>;
  stopAsking(): Promise<void>;

  team(): Promise<TeamPane>;
  invite(order: InviteOrder): Promise<InviteShown>;
  revokeInvite(id: string): Promise<void>;
  decide(id: string, approve: boolean): Promise<void>;
  removeMember(user: string, withInvited: boolean): Promise<void>;
  forgetDevice(id: string): Promise<void>;
  leaveTeam(): Promise<void>;
  /** Makes this computer the team's host. */
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
