/**
 * What the window knows, folded purely from one snapshot and the updates after it.
 *
 * Owns the order of things: which update is next, which is old, and when one was missed. Deliberately knows no
 * host; the store asks for a new snapshot when told to.
 */
import type { PersonView, Snapshot, Update } from './contract';

/** A snapshot with its people by id. A `Map`, because ids come from strangers and `__proto__` is one. */
export type View = Omit<Snapshot, 'people'> & { people: ReadonlyMap<string, PersonView> };

/** The view so far, and whether a snapshot is on its way. */
export type Reading = {
  view: View | null;
  /** A snapshot was asked for and has not come. */
  asking: boolean;
  /** Updates heard meanwhile. They may be newer than the snapshot, and none comes twice. */
  waiting: readonly Update[];
};

/** Beyond this many waiting updates the oldest go: the gap that they leave only asks once more. */
const WAITING_LIMIT = 1024;

/** Before anything was heard: the first snapshot is being asked for. */
export const unread: Reading = { view: null, asking: true, waiting: [] };

export function viewOf(snapshot: Snapshot): View {
  return { ...snapshot, people: new Map(snapshot.people.map((person) => [person.user, person])) };
}

/** Folds the update that is next in order. */
export function applyUpdate(view: View, update: Update): View {
  const changed = update.joins.length + update.changes.length + update.leaves.length > 0;
  let people = view.people;
  if (changed) {
    const next = new Map(view.people);
    for (const user of update.leaves) next.delete(user);
    for (const person of update.joins) next.set(person.user, person);
    for (const person of update.changes) next.set(person.user, person);
    people = next;
  }
  return {
    ...view,
    people,
    seq: update.seq,
    me: update.me ?? view.me,
    link: update.link ?? view.link,
    problems: update.problems ?? view.problems,
    signals: update.signals ?? view.signals,
  };
}

/** An update was heard. If `asking` becomes true, the caller asks for a snapshot. */
export function heardUpdate(reading: Reading, update: Update): Reading {
  const { view, asking, waiting } = reading;
  if (asking || view === null) {
    return { view, asking: true, waiting: [...waiting, update].slice(-WAITING_LIMIT) };
  }
  if (update.seq <= view.seq) return reading;
  if (update.seq > view.seq + 1) return { view, asking: true, waiting: [update] };
  return { ...reading, view: applyUpdate(view, update) };
}

/** The snapshot that was asked for is there. What waited is folded on top of it. */
export function answered(reading: Reading, snapshot: Snapshot): Reading {
  const settled: Reading = { view: viewOf(snapshot), asking: false, waiting: [] };
  return reading.waiting.reduce(heardUpdate, settled);
}

/**
 * The host sent a snapshot by itself. It stands in order among the updates, so whatever waited is older and a
 * snapshot still being asked for is no longer needed.
 */
export function heardSnapshot(snapshot: Snapshot): Reading {
  return { view: viewOf(snapshot), asking: false, waiting: [] };
}
