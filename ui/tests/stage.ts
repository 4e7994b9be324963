/** A fake host to set a scene with, and people to put on it. */
import { flushSync, mount, unmount } from 'svelte';
import { onTestFinished, vi } from 'vitest';

import App from '../src/App.svelte';
import type {
  DeviceOfMember,
  ExchangeView,
  InviteShown,
  Member,
  MeView,
  PersonView,
  PreferencesView,
  SettingsView,
  SignalsView,
  Snapshot,
  TeamPane,
  Update,
} from '../src/lib/contract';
import type { Host, News } from '../src/lib/host';
import { setLanguage } from '../src/lib/i18n.svelte';

export const me: MeView = { user: 'me', name: 'Mia', status: 'online', cause: null, since: null, chosen: null };

export function person(user: string, part: Partial<PersonView> = {}): PersonView {
  return {
    user,
    name: user,
    status: 'online',
    cause: null,
    since: null,
    text: null,
    emoji: null,
    until: null,
    stale: false,
    devices: [],
    evidence: {
      device: null,
      kind: null,
      status: null,
      cause: null,
      since: null,
      heard: null,
      loss_shows_within_s: null,
      doubt: null,
    },
    ...part,
  };
}

export function snapshot(part: Partial<Snapshot> = {}): Snapshot {
  return {
    seq: 1,
    language: 'en',
    stage: 'running',
    suggested_name: null,
    team: null,
    me,
    link: { state: 'up', since: 0 },
    people: [],
    problems: [],
    signals: { exchanges: [], typing: [], back: [], muted: [] },
    preferences: preferences(),
    ...part,
  };
}

export function preferences(part: Partial<PreferencesView> = {}): PreferencesView {
  return { people: [], hide_offline: false, presets: [], notices_off_until: null, ...part };
}

export function settings(part: Partial<SettingsView> = {}): SettingsView {
  const notices = { about: 'everyone' as const, come: true, go: true, away: false, back: false, quiet_hours: null };
  return {
    name: 'Mia',
    links: [],
    language: null,
    away_after_s: 300,
    grace_s: 6,
    calls: 'hidden',
    desktop_dnd: false,
    coarse: false,
    user_topic: true,
    updates: true,
    symbolic_icon: false,
    notices,
    starts_at_login: false,
    ...part,
  };
}

export function update(seq: number, part: Partial<Update> = {}): Update {
  return { seq, me: null, link: null, joins: [], changes: [], leaves: [], problems: null, ...part };
}

export function exchange(part: Partial<ExchangeView> = {}): ExchangeView {
  return {
    id: 'k1',
    with: 'bob',
    name: 'Bob',
    mine: false,
    kind: 'knock',
    text: 'Coffee?',
    count: 1,
    when: 'now',
    stage: 'delivered',
    answer: null,
    failure: null,
    unheard: false,
    at: 0,
    ...part,
  };
}

export function signals(...exchanges: ExchangeView[]): SignalsView {
  return { exchanges, typing: [], back: [], muted: [] };
}

export function device(id: string, part: Partial<DeviceOfMember> = {}): DeviceOfMember {
  return { id, kind: 'laptop', since: 0, last_here: null, this: false, ...part };
}

export function member(user: string, part: Partial<Member> = {}): Member {
  return { user, name: user, role: 'member', since: 0, devices: [device(`${user}-1`)], invited_by: null, invited: 0, ...part };
}

/** A team whose starter sits before the window, with one other member. */
export function pane(part: Partial<TeamPane> = {}): TeamPane {
  const mine = member('me', { name: 'Mia', role: 'starter', devices: [device('me-1', { this: true })] });
  return {
    team: "Mia's team",
    role: 'starter',
    hosting: true,
    me: 'me',
    host: { name: 'Mia', user: 'me' },
    members: [member('bob'), mine],
    invites: [],
    requests: [],
    programs: [],
    ...part,
  };
}

export function invitation(part: Partial<InviteShown> = {}): InviteShown {
  const link = 'porchlight://join?v=1&token=x';
  return { id: 'i1', link, for_me: false, uses: 1, ends: 0, qr: ['101', '011', '110'], ...part };
}

/** A host whose commands succeed, and the ways in which it speaks by itself. */
export function fakeHost(first: Snapshot) {
  let onSnapshot: (whole: Snapshot) => void = () => {};
  let onUpdate: (change: Update) => void = () => {};
  let listeners: [keyof News, (news: unknown) => void][] = [];
  const host = {
    snapshot: vi.fn<Host['snapshot']>(async () => first),
    hear: vi.fn<Host['hear']>(async (hearSnapshot, hearUpdate) => {
      onSnapshot = hearSnapshot;
      onUpdate = hearUpdate;
      return () => {};
    }),
    choose: vi.fn<Host['choose']>(async () => {}),
    clearChosen: vi.fn<Host['clearChosen']>(async () => {}),
    reconnectNow: vi.fn<Host['reconnectNow']>(async () => {}),
    lookAround: vi.fn<Host['lookAround']>(async () => {}),
    knock: vi.fn<Host['knock']>(async () => {}),
    wave: vi.fn<Host['wave']>(async () => {}),
    answer: vi.fn<Host['answer']>(async () => {}),
    see: vi.fn<Host['see']>(async () => {}),
    withdraw: vi.fn<Host['withdraw']>(async () => {}),
    typeTo: vi.fn<Host['typeTo']>(async () => {}),
    stopTyping: vi.fn<Host['stopTyping']>(async () => {}),
    tellWhenBack: vi.fn<Host['tellWhenBack']>(async () => {}),
    mute: vi.fn<Host['mute']>(async () => {}),
    openLink: vi.fn<Host['openLink']>(async () => {}),
    favourite: vi.fn<Host['favourite']>(async () => {}),
    nickname: vi.fn<Host['nickname']>(async () => {}),
    noticesOf: vi.fn<Host['noticesOf']>(async () => {}),
    hideOffline: vi.fn<Host['hideOffline']>(async () => {}),
    keepPresets: vi.fn<Host['keepPresets']>(async () => {}),
    settings: vi.fn<Host['settings']>(async () => settings()),
    changeSettings: vi.fn<Host['changeSettings']>(async () => {}),
    checks: vi.fn<Host['checks']>(async () => []),
    version: vi.fn<Host['version']>(async () => ({ version: '0.1.0', updates: 'system' })),
    lookForNewer: vi.fn<Host['lookForNewer']>(async () => null),
    takeNewer: vi.fn<Host['takeNewer']>(async () => {}),
    diagnostics: vi.fn<Host['diagnostics']>(async () => 'Porchlight'),
    pauseNotices: vi.fn<Host['pauseNotices']>(async () => {}),
    listen: vi.fn<Host['listen']>(async (name, told) => {
      const heard = told as (news: unknown) => void;
      listeners.push([name, heard]);
      return () => {
        listeners = listeners.filter(([, other]) => other !== heard);
      };
    }),
    startTeam: vi.fn<Host['startTeam']>(async () => {}),
    takeLink: vi.fn<Host['takeLink']>(async () => null),
    readLink: vi.fn<Host['readLink']>(async () => ({ team: "Anna's team", at: '192.168.1.5', nearby: false })),
    join: vi.fn<Host['join']>(async () => {}),
    lookNearby: vi.fn<Host['lookNearby']>(async () => {}),
    askToJoin: vi.fn<Host['askToJoin']>(async () => '4711'),
    stopAsking: vi.fn<Host['stopAsking']>(async () => {}),
    team: vi.fn<Host['team']>(async () => pane()),
    invite: vi.fn<Host['invite']>(async () => invitation()),
    revokeInvite: vi.fn<Host['revokeInvite']>(async () => {}),
    decide: vi.fn<Host['decide']>(async () => {}),
    removeMember: vi.fn<Host['removeMember']>(async () => {}),
    forgetDevice: vi.fn<Host['forgetDevice']>(async () => {}),
    leaveTeam: vi.fn<Host['leaveTeam']>(async () => {}),
    moveHere: vi.fn<Host['moveHere']>(async () => {}),
  } satisfies Host;
  return {
    host,
    /** Whether anybody hears this news now. */
    isHeard: (name: keyof News) => listeners.some(([heard]) => heard === name),
    tell<Name extends keyof News>(name: Name, news: News[Name]) {
      for (const [heard, told] of [...listeners]) if (heard === name) told(news);
    },
    tellSnapshot: (whole: Snapshot) => onSnapshot(whole),
    tellUpdate: (change: Update) => onUpdate(change),
  };
}

/** Mounts the window and waits until the first snapshot is on it. What the host does otherwise is said beforehand. */
export async function open(first: Snapshot, otherwise: (stage: ReturnType<typeof fakeHost>) => void = () => {}) {
  const stage = fakeHost(first);
  otherwise(stage);
  const app = mount(App, { target: document.body, props: { host: stage.host } });
  onTestFinished(async () => {
    await unmount(app);
    setLanguage('en');
  });
  await settled();
  return stage;
}

/** Lets promises that are due resolve, a frame go by and the window follow. */
export async function settled(): Promise<void> {
  flushSync();
  await new Promise((done) => setTimeout(done));
  flushSync();
  await new Promise((done) => requestAnimationFrame(done));
  await new Promise((done) => setTimeout(done));
  flushSync();
}

export function find<T extends HTMLElement = HTMLElement>(selector: string): T {
  const found = document.querySelector<T>(selector);
  if (found === null) throw new Error(`nothing matches ${selector}`);
  return found;
}

export function byTest<T extends HTMLElement = HTMLElement>(id: string): T {
  return find<T>(`[data-testid="${id}"]`);
}

/** A key pressed where the focus is. */
export function press(key: string): void {
  const target = document.activeElement ?? document.body;
  target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
  flushSync();
}

export function click(target: HTMLElement): void {
  target.click();
  flushSync();
}

export function type(field: HTMLInputElement, text: string): void {
  field.value = text;
  field.dispatchEvent(new Event('input', { bubbles: true }));
  flushSync();
}
