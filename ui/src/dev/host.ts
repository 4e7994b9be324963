/**
 * A mock host for `vite --mode demo` only: it plays a scene and executes commands after a delay.
 *
 * `?scene=` chooses the scene (`scenes.ts`), `?team=` the team (`hosted`, `requests`, `joined`, `alone`, `gone`).
 * `?link` means that a link was followed, `?nearby` that teams are nearby, `?keyring=absent` that no keyring stores
 * secrets. `?fail=<command>` makes a command fail, and `?language=de` sets the language.
 * The production build never sees this file.
 */
import type { ExchangeView, MeView, PreferencesView, Problem, RegardView, SettingsView, SignalsView, Snapshot, TeamPane, Update } from '../lib/contract';
import type { Host, News } from '../lib/host';
import { preferredLanguage } from '../lib/i18n.svelte';
import { stands } from '../lib/words';
import { eight } from './people';
import { scenes } from './scenes';
import { alone, hosted, joined, made, requests } from './teams';

const asked = new URLSearchParams(location.search);
const scene = scenes.get(asked.get('scene') ?? 'eight') ?? scenes.get('eight');

let now: Snapshot | undefined;
let tellUpdate: (update: Update) => void = () => {};
let tellSnapshot: (snapshot: Snapshot) => void = () => {};

/** The language that was set or that the address names, otherwise the system's. */
function spoken(whole: Snapshot): Snapshot {
  return { ...whole, language: settings.language ?? preferredLanguage(navigator.languages) };
}

async function current(): Promise<Snapshot> {
  if (scene === undefined) throw new Error('the scene "eight" is always there');
  now ??= spoken(await scene());
  return now;
}

async function update(part: Partial<Update>): Promise<void> {
  const before = await current();
  const empty = { me: null, link: null, joins: [], changes: [], leaves: [], problems: null };
  const change: Update = { ...empty, ...part, seq: before.seq + 1 };
  const changed = new Map(change.changes.map((person) => [person.user, person]));
  now = {
    ...before,
    seq: change.seq,
    me: change.me ?? before.me,
    link: change.link ?? before.link,
    people: before.people.map((person) => changed.get(person.user) ?? person),
    signals: change.signals ?? before.signals,
    preferences: change.preferences ?? before.preferences,
  };
  tellUpdate(change);
}

async function translate(part: Partial<MeView>): Promise<void> {
  const { me } = await current();
  if (me !== null) await update({ me: { ...me, since: Date.now(), ...part } });
}

async function enter(stage: Snapshot['stage'], name: string, team: string | null = null): Promise<void> {
  const before = await current();
  now = { ...before, stage: 'starting', seq: before.seq + 1 };
  tellSnapshot(now);
  await wait(900);
  const me: MeView = { user: 'me', name, status: 'online', cause: null, since: Date.now(), chosen: null };
  const people = stage === 'looking_around' ? eight() : [];
  now = { ...now, stage, team, seq: now.seq + 1, me, people, link: { state: 'up', since: Date.now() } };
  tellSnapshot(now);
}

/** Replaces the recent signals. */
async function pass(to: (before: SignalsView) => Partial<SignalsView>): Promise<void> {
  const { signals } = await current();
  await update({ signals: { ...signals, ...to(signals) } });
}

let settings: SettingsView = {
  name: 'Margaret Hamilton',
  away_after_s: 300,
  grace_s: 6,
  calls: 'hidden',
  desktop_dnd: false,
  coarse: false,
  user_topic: true,
  updates: true,
  symbolic_icon: false,
  notices: { about: 'favourites', come: true, go: true, away: false, back: true, quiet_hours: '22:00-07:00' },
  starts_at_login: false,
  links: ['mailto:margaret@example.org'],
  language: asked.get('language'),
};

/** Replaces my preferences. */
async function prefer(to: (before: PreferencesView) => Partial<PreferencesView>): Promise<void> {
  const { preferences } = await current();
  await update({ preferences: { ...preferences, ...to(preferences) } });
}

const regard = (user: string, part: Partial<RegardView>) =>
  prefer(({ people }) => {
    const usual: RegardView = { user, favourite: false, nickname: null, notices: 'usual' };
    const before = people.find((one) => one.user === user) ?? usual;
    return { people: [...people.filter((one) => one.user !== user), { ...before, ...part }] };
  });

async function begin(exchange: Pick<ExchangeView, 'with' | 'kind' | 'text' | 'when'>): Promise<void> {
  const { people } = await current();
  const name = people.find((person) => person.user === exchange.with)?.name ?? exchange.with;
  const id = `k${Date.now()}`;
  const one: ExchangeView = {
    ...exchange,
    id,
    name,
    mine: true,
    count: 1,
    stage: exchange.when === 'now' ? 'sent' : 'waiting',
    answer: null,
    failure: null,
    unheard: false,
    at: Date.now(),
  };
  await pass(({ exchanges }) => ({ exchanges: [...exchanges, one] }));
  if (exchange.when !== 'now' || exchange.kind === 'wave') return;
  await wait(700);
  await stage(id, { stage: 'delivered' });
}

const stage = (id: string, part: Partial<ExchangeView>) =>
  pass(({ exchanges }) => ({ exchanges: exchanges.map((one) => (one.id === id ? { ...one, ...part } : one)) }));

const within = (users: string[], user: string, wanted: boolean) =>
  wanted ? [...users, user] : users.filter((other) => other !== user);

const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));

const heard = new Map<string, (news: never) => void>();

function tell<Name extends keyof News>(name: Name, news: News[Name]): void {
  heard.get(name)?.(news as never);
}

let pane: TeamPane =
  { requests: hosted({ requests }), joined: joined(), alone: alone() }[asked.get('team') ?? ''] ?? hosted();

/** Rejects the command that the address names in `?fail=`. */
async function permit(command: string, keepInFile = true): Promise<void> {
  await wait(400);
  const keyring = asked.get('keyring');
  if (keyring !== null && !keepInFile) {
    const message =
      'No keyring runs on this desktop, so there is no safe place for what lets this computer in. Start one (GNOME ' +
      'Keyring, KWallet or KeePassXC) and try again.';
    throw { code: `keyring_${keyring}`, message } satisfies Problem;
  }
  if (asked.get('fail') !== command) return;
  throw { code: 'unreachable', message: '192.168.1.5 does not answer. Is that computer on, and are you on its network?' };
}

async function change(command: string, to: (before: TeamPane) => Partial<TeamPane>): Promise<void> {
  await permit(command);
  pane = { ...pane, ...to(pane) };
}

/** With `?moving`, somebody comes or goes every two seconds, to watch the list move. */
if (asked.has('moving')) {
  let turn = 0;
  setInterval(async () => {
    const { people } = await current();
    const person = people[(turn += 7) % people.length];
    if (person === undefined) return;
    const status = person.status === 'online' ? 'away' : 'online';
    void update({ changes: [{ ...person, status, cause: status === 'away' ? 'idle' : null, since: Date.now() }] });
  }, 2000);
}

export const host: Host = {
  snapshot: current,
  async hear(onSnapshot, onUpdate) {
    tellSnapshot = onSnapshot;
    tellUpdate = onUpdate;
    return () => {};
  },
  choose({ status, text, emoji, forMinutes }) {
    if (text === 'fail') return Promise.reject({ code: 'note_too_long', message: 'That note is too long.' });
    const until = forMinutes === null ? null : Date.now() + forMinutes * 60_000;
    return translate({ status, cause: 'chosen', chosen: { status, text, emoji, until } });
  },
  clearChosen: () => translate({ status: 'online', cause: null, chosen: null }),
  reconnectNow: () => update({ link: { state: 'up', since: Date.now() } }),
  lookAround: () => enter('looking_around', 'You'),

  knock: (to, text, when) => begin({ with: to, kind: 'knock', text, when }),
  wave: (to, emoji) => begin({ with: to, kind: 'wave', text: emoji, when: 'now' }),
  answer: (_from, id, answer) => stage(id, { stage: 'answered', answer }),
  see: (from) =>
    pass(({ exchanges }) => ({
      exchanges: exchanges.map((one) => (one.with === from && stands(one) ? { ...one, stage: 'seen' } : one)),
    })),
  withdraw: (_who, id) => stage(id, { stage: 'withdrawn' }),
  typeTo: async () => {},
  stopTyping: async () => {},
  tellWhenBack: (user, wanted) => pass(({ back }) => ({ back: within(back, user, wanted) })),
  favourite: (user, favourite) => regard(user, { favourite }),
  nickname: (user, nickname) => regard(user, { nickname }),
  noticesOf: (user, notices) => regard(user, { notices }),
  hideOffline: (hide_offline) => prefer(() => ({ hide_offline })),
  keepPresets: (presets) => prefer(() => ({ presets })),
  settings: async () => settings,
  async changeSettings(wanted) {
    await permit('changeSettings');
    settings = wanted;
    const before = await current();
    now = spoken({ ...before, seq: before.seq + 1 });
    tellSnapshot(now);
  },
  checks: async () => [
    { about: 'tray', ok: true, found: 'this desktop has a place for the icon', remedy: null },
    { about: 'notices', ok: true, found: 'this desktop shows notifications', remedy: null },
    { about: 'idle', ok: true, found: 'by xsync', remedy: null },
    { about: 'lock', ok: false, found: 'Porchlight cannot tell whether the screen is locked', remedy: 'a locked screen counts as time without input' },
    { about: 'keyring', ok: true, found: 'this session has a keyring', remedy: null },
  ],
  diagnostics: async () => 'Porchlight, as a demo',
  version: async () => ({ version: '0.1.0', updates: asked.has('newer') ? 'app' : 'system' }),
  lookForNewer: async () => (asked.has('newer') ? { version: asked.get('newer') ?? '' } : null),
  takeNewer: async () => {
    await wait(3000);
  },
  pauseNotices: (minutes) =>
    prefer(() => ({ notices_off_until: minutes === null ? null : Date.now() + minutes * 60_000 })),
  mute: (user, muting) => pass(({ muted }) => ({ muted: within(muted, user, muting) })),

  async openLink(_user, link) {
    await permit('openLink');
    console.info('would open', link);
  },

  async listen(name, told) {
    heard.set(name, told as (news: never) => void);
    return () => heard.delete(name);
  },
  async startTeam(team, name, keepInFile) {
    await permit('startTeam', keepInFile);
    pane = { ...alone(), team };
    await enter('running', name, team);
  },
  takeLink: async () => (asked.has('link') ? 'porchlight://join?v=1' : null),
  async readLink(link) {
    await permit('readLink');
    if (link.startsWith('porchlight://join')) return { team: "Ada's team", at: '192.168.1.5', nearby: asked.has('nearby') };
    const message = 'this is not an invitation; paste the whole link, which begins with porchlight://join';
    throw { code: 'no_invitation', message } satisfies Problem;
  },
  async join(_link, name, keepInFile) {
    await permit('join', keepInFile);
    pane = joined();
    await enter('running', name, pane.team);
  },
  async lookNearby(on) {
    if (!on || !asked.has('nearby')) return;
    await wait(300);
    const teams = ["Ada's team", '<b>Compilers</b> & friends', 'The rest of the third floor, all of them'];
    tell('nearby', teams.map((team, at) => ({ id: `t${at}`, team })));
  },
  async askToJoin(_id, _name, keepInFile) {
    await permit('askToJoin', keepInFile);
    return '4711';
  },
  stopAsking: async () => {},

  async team() {
    await permit('team');
    if (asked.get('team') !== 'gone') return pane;
    const message = 'You are no longer a member of this team. Leave it here, or ask a member for a new invitation.';
    throw { code: 'not_signed_in', message } satisfies Problem;
  },
  async invite({ forMe, uses, lastsSeconds }) {
    await permit('invite');
    return made(forMe, uses, lastsSeconds);
  },
  revokeInvite: (id) => change('revokeInvite', ({ invites }) => ({ invites: invites.filter((one) => one.id !== id) })),
  decide: (id) => change('decide', (before) => ({ requests: before.requests.filter((one) => one.id !== id) })),
  removeMember: (user, withInvited) =>
    change('removeMember', ({ members }) => ({
      members: members.filter((one) => one.user !== user && !(withInvited && one.invited_by?.user === user)),
    })),
  forgetDevice: (id) =>
    change('forgetDevice', ({ members }) => ({
      members: members.map((one) => ({ ...one, devices: one.devices.filter((device) => device.id !== id) })),
    })),
  async leaveTeam() {
    await permit('leaveTeam');
    now = { ...(await current()), stage: 'first_start', team: null, me: null, link: { state: 'unset' }, people: [] };
    tellSnapshot(now);
  },
  moveHere: () => change('moveHere', () => ({ hosting: true })),
};
