/**
 * Pure functions that fold a snapshot and the updates after it into the window's view.
 *
 * Owns the order of updates: which one is next, which is old, and when one was missed. Deliberately has no host; the
 * store requests a new snapshot when the fold needs one.
 */
import type { PersonView, Snapshot, Update } from './contract';

/** A snapshot with its people by id. A `Map`, because ids come from strangers and `__proto__` is one. */
export type View = Omit<Snapshot, 'people'> & { people: ReadonlyMap<string, PersonView> };

/** The view so far, and whether a snapshot is on its way. */
export type Reading = {
  view: View | null;
  /** A snapshot was requested and has not arrived. */
  asking: boolean;
  /** Updates received meanwhile. They may be newer than the snapshot, and none arrives twice. */
  waiting: readonly Update[];
};

/** The maximum number of waiting updates. Beyond it the oldest are dropped, and the gap causes one more request. */
const WAITING_LIMIT = 1024;

/** The initial state: the first snapshot has been requested. */
export const unread: Reading = { view: null, asking: true, waiting: [] };

export function viewOf(snapshot: Snapshot): View {
  return { ...snapshot, people: new Map(snapshot.people.map((person) => [person.user, person])) };
}

/** Folds updates that are next in order. It copies the people once for all of them: there may be ten thousand. */
export function applyUpdates(view: View, updates: readonly Update[]): View {
  let people = view.people;
  if (updates.some((update) => update.joins.length + update.changes.length + update.leaves.length > 0)) {
    const next = new Map(view.people);
    for (const update of updates) {
      for (const user of update.leaves) next.delete(user);
      for (const person of update.joins) next.set(person.user, person);
      for (const person of update.changes) next.set(person.user, person);
    }
    people = next;
  }
  const folded = { ...view, people };
  for (const update of updates) {
    folded.seq = update.seq;
    folded.me = update.me ?? folded.me;
    folded.link = update.link ?? folded.link;
    folded.problems = update.problems ?? folded.problems;
    folded.signals = update.signals ?? folded.signals;
    folded.preferences = update.preferences ?? folded.preferences;
  }
  return folded;
}

/** Folds updates in the order in which they arrived. If `asking` becomes true, the caller requests a snapshot. */
export function heardUpdates(reading: Reading, updates: readonly Update[]): Reading {
  const { view, asking, waiting } = reading;
  if (asking || view === null) {
    return { view, asking: true, waiting: [...waiting, ...updates].slice(-WAITING_LIMIT) };
  }
  let seq = view.seq;
  const next: Update[] = [];
  for (const [at, update] of updates.entries()) {
    if (update.seq <= seq) continue;
    if (update.seq > seq + 1) {
      const missed = next.length === 0 ? view : applyUpdates(view, next);
      return { view: missed, asking: true, waiting: updates.slice(at) };
    }
    seq = update.seq;
    next.push(update);
  }
  return next.length === 0 ? reading : { ...reading, view: applyUpdates(view, next) };
}

/** Folds one update. */
export function heardUpdate(reading: Reading, update: Update): Reading {
  return heardUpdates(reading, [update]);
}

/** Folds the requested snapshot, and then the waiting updates. */
export function answered(reading: Reading, snapshot: Snapshot): Reading {
  const settled: Reading = { view: viewOf(snapshot), asking: false, waiting: [] };
  return heardUpdates(settled, reading.waiting);
}

/**
 * Folds a snapshot that the host sent unasked. It has its place in the order of updates, so waiting updates are
 * older, and a requested snapshot is no longer needed.
 */
export function heardSnapshot(snapshot: Snapshot): Reading {
  return { view: viewOf(snapshot), asking: false, waiting: [] };
}
