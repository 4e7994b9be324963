/**
 * The groups of the list. Mirrors `Group::of_status` of the core: a person with an unknown status counts as present.
 *
 * Made for ten thousand people with a few changes per frame: it compares names only where one is new.
 */
import type { PersonView } from './contract';

export const GROUPS = ['favourites', 'here', 'away', 'offline'] as const;
export type Group = (typeof GROUPS)[number];

export function groupOf(status: string): Exclude<Group, 'favourites'> {
  return status === 'away' || status === 'offline' ? status : 'here';
}

/** One collator for all comparisons: creating one costs more than a thousand uses. */
const byName = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

export type Named = { readonly user: string; readonly name: string };

/** Equal names are ordered by id, so that two rows never swap. */
function before(a: Named, b: Named): number {
  return byName.compare(a.name, b.name) || (a.user < b.user ? -1 : 1);
}

/** Sorts everybody by name. It keeps the last order, and sorts only new and renamed people. */
export class NameOrder {
  #sorted: readonly Named[] = [];

  of(people: ReadonlyMap<string, PersonView>): PersonView[] {
    // Usually no name has changed, and one comparison per person is enough.
    const listed = this.#as(people);
    if (listed !== null) return listed;
    const kept = this.#sorted.filter(({ user, name }) => people.get(user)?.name === name);
    const known = new Set(kept.map(({ user }) => user));
    const fresh: Named[] = [];
    for (const { user, name } of people.values()) if (!known.has(user)) fresh.push({ user, name });
    this.#sorted = merged(kept, fresh.sort(before));
    return this.#as(people) ?? [];
  }

  /** Returns those people in the last order, or null if that order does not fit. */
  #as(people: ReadonlyMap<string, PersonView>): PersonView[] | null {
    if (this.#sorted.length !== people.size) return null;
    const listed: PersonView[] = [];
    for (const { user, name } of this.#sorted) {
      const person = people.get(user);
      if (person?.name !== name) return null;
      listed.push(person);
    }
    return listed;
  }
}

/** Merges two ordered lists. */
function merged(these: readonly Named[], those: readonly Named[]): readonly Named[] {
  if (these.length === 0) return those;
  const all: Named[] = [];
  let at = 0;
  for (const that of those) {
    for (let next = these[at]; next !== undefined && before(next, that) < 0; next = these[at]) {
      all.push(next);
      at += 1;
    }
    all.push(that);
  }
  return all.concat(these.slice(at));
}

export type Row =
  | { readonly kind: 'head'; readonly group: Group; readonly count: number }
  /** The group is empty, which the list shows. */
  | { readonly kind: 'nobody' }
  | { readonly kind: 'person'; readonly person: PersonView };

/** The list as the window shows it, from people in order. */
export function rowsOf(
  people: Iterable<PersonView>,
  isFavourite: (user: string) => boolean,
  wanted: { hideOffline: boolean; filter: string },
): Row[] {
  const groups: Record<Group, PersonView[]> = { favourites: [], here: [], away: [], offline: [] };
  const words = folded(wanted.filter).split(/\s+/u).filter(Boolean);
  for (const person of people) {
    if (words.length > 0 && !matches(person, words)) continue;
    groups[isFavourite(person.user) ? 'favourites' : groupOf(person.status)].push(person);
  }
  // Favourites who are present come first, too. The sort is stable, so names stay in order.
  groups.favourites.sort((a, b) => GROUPS.indexOf(groupOf(a.status)) - GROUPS.indexOf(groupOf(b.status)));
  const rows: Row[] = [];
  for (const group of GROUPS) {
    const members = groups[group];
    const hidden = group === 'offline' && wanted.hideOffline && words.length === 0;
    const said = group === 'here' && words.length === 0 && groups.favourites.length === 0;
    if (hidden || (members.length === 0 && !said)) continue;
    rows.push({ kind: 'head', group, count: members.length });
    if (members.length === 0) rows.push({ kind: 'nobody' });
    for (const person of members) rows.push(rowOf(person));
  }
  return rows;
}

const personRows = new WeakMap<PersonView, Row>();

/** Reuses a row until the person changes, so that nothing of it is drawn again. */
function rowOf(person: PersonView): Row {
  let row = personRows.get(person);
  if (row === undefined) {
    row = { kind: 'person', person };
    personRows.set(person, row);
  }
  return row;
}

/** The searchable text of a person, computed again only when the person changes. */
const searched = new WeakMap<PersonView, string>();

function matches(person: PersonView, words: readonly string[]): boolean {
  let text = searched.get(person);
  if (text === undefined) {
    text = folded([person.name, person.user, person.text ?? ''].join('\n'));
    searched.set(person, text);
  }
  return words.every((word) => text.includes(word));
}

/** Removes case and accents, so that "jose" finds José. */
function folded(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLocaleLowerCase();
}
