/**
 * Who stands where in the list. Mirrors `Group::of_status` of the core: a word that nobody knows was said by
 * somebody who is there.
 */
import type { PersonView } from './contract';

export const GROUPS = ['here', 'away', 'offline'] as const;
export type Group = (typeof GROUPS)[number];

export function groupOf(status: string): Group {
  return status === 'away' || status === 'offline' ? status : 'here';
}

/** One collator for all comparisons: making one costs more than a thousand uses. */
const byName = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

/** Everybody by group, in the order of their names; the id decides between equals, so that no two ever swap. */
export function grouped(people: Iterable<PersonView>): Record<Group, PersonView[]> {
  const groups: Record<Group, PersonView[]> = { here: [], away: [], offline: [] };
  for (const person of people) groups[groupOf(person.status)].push(person);
  for (const group of GROUPS) {
    groups[group].sort((a, b) => byName.compare(a.name, b.name) || (a.user < b.user ? -1 : 1));
  }
  return groups;
}

/** Names that more than one person goes by. Those people are shown with their ids. */
export function sharedNames(names: Iterable<string>): ReadonlySet<string> {
  const once = new Set<string>();
  const twice = new Set<string>();
  for (const name of names) (once.has(name) ? twice : once).add(name);
  return twice;
}
