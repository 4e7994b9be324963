/**
 * A host without a host, for `vite --mode demo` only: it plays a scene and does what it is told to, after a while.
 * The production build never sees this file.
 */
import type { MeView, Snapshot, Update } from '../lib/contract';
import type { Host } from '../lib/host';
import { eight } from './people';
import { scenes } from './scenes';

const asked = new URLSearchParams(location.search);
const scene = scenes.get(asked.get('scene') ?? 'eight') ?? scenes.get('eight');

let now: Snapshot | undefined;
let tellUpdate: (update: Update) => void = () => {};
let tellSnapshot: (snapshot: Snapshot) => void = () => {};

async function current(): Promise<Snapshot> {
  if (scene === undefined) throw new Error('the scene "eight" is always there');
  now ??= await scene();
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
  };
  tellUpdate(change);
}

async function say(part: Partial<MeView>): Promise<void> {
  const { me } = await current();
  if (me !== null) await update({ me: { ...me, since: Date.now(), ...part } });
}

async function enter(stage: Snapshot['stage'], name: string): Promise<void> {
  const before = await current();
  now = { ...before, stage: 'starting', seq: before.seq + 1 };
  tellSnapshot(now);
  await new Promise((done) => setTimeout(done, 900));
  const me: MeView = { user: 'me', name, status: 'online', cause: null, since: Date.now(), chosen: null };
  const people = stage === 'looking_around' ? eight() : [];
  now = { ...now, stage, seq: now.seq + 1, me, people, link: { state: 'up', since: Date.now() } };
  tellSnapshot(now);
}

/** Somebody comes or goes every two seconds, to watch the list move: `?moving`. */
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
    return say({ status, cause: 'chosen', chosen: { status, text, emoji, until } });
  },
  clearChosen: () => say({ status: 'online', cause: null, chosen: null }),
  reconnectNow: () => update({ link: { state: 'up', since: Date.now() } }),
  startHere: (name) => enter('running', name),
  lookAround: () => enter('looking_around', 'You'),
};
