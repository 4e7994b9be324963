import { describe, expect, it } from 'vitest';

import { choiceOf, choiceOfPreset, draftOf, nextTime, presetOf, timeOf, type Duration } from '../src/lib/choices';
import type { PersonView } from '../src/lib/contract';
import { initials, TINTS, tintOf } from '../src/lib/face';
import { shapeOf } from '../src/lib/glyph';
import { groupOf, NameOrder, rowsOf, type Row } from '../src/lib/groups';
import { PersonPreferences } from '../src/lib/person-preferences';
import { formatNote, parseNote } from '../src/lib/status-note';
import { person, preferences } from './stage';

/** The naive way. */
function ordered(people: PersonView[]): string[] {
  const byName = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });
  const sorted = new NameOrder().of(new Map(people.map((one) => [one.user, one])));
  const naive = [...people].sort((a, b) => byName.compare(a.name, b.name) || (a.user < b.user ? -1 : 1));
  expect(sorted).toEqual(naive);
  return naive.map((one) => one.user);
}

function shape(rows: Row[]): string[] {
  return rows.map((row) => {
    if (row.kind === 'head') return `# ${row.group} ${row.count}`;
    return row.kind === 'person' ? row.person.user : row.kind;
  });
}

it('what I want of somebody is theirs alone, whatever their id', () => {
  const people = [{ user: '__proto__', favourite: true, nickname: 'Proto', notices: 'never' as const }];
  const personal = new PersonPreferences(preferences({ people }));
  expect([personal.isFavourite('__proto__'), personal.isFavourite('toString')]).toEqual([true, false]);
  expect(personal.withNickname(person('__proto__')).name).toBe('Proto');
  const bob = person('bob');
  expect(personal.withNickname(bob)).toBe(bob);
  expect([personal.notices('__proto__'), personal.notices('bob')]).toEqual(['never', 'usual']);
});

describe('groups', () => {
  it('take a word that nobody knows for somebody who is here', () => {
    expect(['online', 'dnd', 'in a meeting', 'away', 'offline'].map(groupOf)).toEqual([
      'here',
      'here',
      'here',
      'away',
      'offline',
    ]);
  });

  it('are in the order of names, numbers counted, and of ids between equals', () => {
    const people = [
      person('c', { name: 'Team 10' }),
      person('b', { name: 'team 9' }),
      person('z', { name: 'Anna' }),
      person('a', { name: 'Anna' }),
    ];
    expect(ordered(people)).toEqual(['a', 'z', 'b', 'c']);
  });

  it('stay in order however people come, go and are called, as if all were sorted anew', () => {
    const order = new NameOrder();
    const people = new Map<string, PersonView>();
    let seed = 7;
    const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
    for (let turn = 0; turn < 300; turn += 1) {
      for (let changes = random(6); changes >= 0; changes -= 1) {
        const user = `u${random(40)}`;
        if (random(3) === 0) people.delete(user);
        else people.set(user, person(user, { name: `Name ${random(12)}` }));
      }
      expect(order.of(people).map((one) => one.user)).toEqual(ordered([...people.values()]));
      for (const one of order.of(people)) expect(one).toBe(people.get(one.user));
    }
  });

  const all = [
    person('ann', { name: 'Ann' }),
    person('bob', { name: 'Bob', status: 'away', text: 'Lunch' }),
    person('cat', { name: 'Cát', status: 'offline' }),
    person('dan', { name: 'Dan', status: 'offline' }),
  ];
  const listed = (favourites: string[], wanted = {}) =>
    shape(rowsOf(all, (user) => favourites.includes(user), { hideOffline: false, filter: '', ...wanted }));

  it('have favourites first, those who are there before the others', () => {
    expect(listed(['dan', 'bob'])).toEqual(['# favourites 2', 'bob', 'dan', '# here 1', 'ann', '# offline 1', 'cat']);
  });

  it('leave out who is offline where that is wanted, and never a favourite', () => {
    const rows = listed(['dan'], { hideOffline: true });
    expect(rows).toEqual(['# favourites 1', 'dan', '# here 1', 'ann', '# away 1', 'bob']);
  });

  it('say that nobody is here', () => {
    const rows = rowsOf(all.slice(1, 2), () => false, { hideOffline: false, filter: '' });
    expect(shape(rows)).toEqual(['# here 0', 'nobody', '# away 1', 'bob']);
  });

  it.each([
    ['cat', ['# offline 1', 'cat']],
    ['CÁT', ['# offline 1', 'cat']],
    ['lunch b', ['# away 1', 'bob']],
    [' an ', ['# here 1', 'ann', '# offline 1', 'dan']],
    ['(', []],
  ])('filtered by "%s" hold whom it is about, offline or not', (filter, expected) => {
    expect(listed([], { filter, hideOffline: true })).toEqual(expected);
  });
});

describe('a face', () => {
  it.each([
    ['Ada Lovelace', 'AL'],
    ['Ada King Lovelace', 'AL'],
    ['ada', 'A'],
    ['(bob) builder', 'BB'],
    ['Anna (anna-2)', 'A'],
    ['Ada Lovelace (she)', 'AL'],
    ['🦊', '🦊'],
    ['', '?'],
    ['<b>', 'B'],
  ])('of "%s" has the initials %s', (name, letters) => {
    expect(initials(name)).toBe(letters);
  });

  it('keeps its tint, and there are classes for all of them', () => {
    const tints = Array.from({ length: 500 }, (_, at) => tintOf(`user-${at}`));
    expect(tintOf('user-7')).toBe(tints[7]);
    expect(new Set(tints).size).toBe(TINTS);
    expect(Math.max(...tints)).toBeLessThan(TINTS);
  });
});

it('a status of which nothing is known has a glyph of its own', () => {
  expect(shapeOf('online', null)).toBe('online');
  expect(shapeOf('online', 'unknown')).toBe('unknown');
  expect(shapeOf('in a meeting', null)).toBe('word');
});

describe('a note', () => {
  it.each([
    ['🍜 Lunch', { emoji: '🍜', text: 'Lunch' }],
    ['👩‍💻 Coding', { emoji: '👩‍💻', text: 'Coding' }],
    ['🇩🇪', { emoji: '🇩🇪', text: null }],
    ['  Lunch ', { emoji: null, text: 'Lunch' }],
    ['2 calls', { emoji: null, text: '2 calls' }],
    ['   ', { emoji: null, text: null }],
  ])('"%s" comes apart and together again', (line, note) => {
    expect(parseNote(line)).toEqual(note);
    expect(parseNote(formatNote(note))).toEqual(note);
  });
});

describe('an end', () => {
  // A winter's day in Berlin, 11:30.
  const now = new Date(2026, 0, 15, 11, 30).getTime();
  const minutes = (duration: Duration, at = '') =>
    choiceOf({ pick: 'dnd', line: '', duration, at }, null, now)?.forMinutes;

  it.each([
    ['30', '', 30],
    ['60', '', 60],
    ['lunch', '', 30],
    ['today', '', 12 * 60 + 30],
    ['at', '11:45', 15],
    ['at', '11:15', 24 * 60 - 15],
    ['at', '', null],
    ['open', '', null],
  ] as const)('%s %s is so many minutes away', (duration, at, expected) => {
    expect(minutes(duration, at)).toBe(expected);
  });

  it('after noon is the next noon', () => {
    expect(nextTime(12, 0, new Date(2026, 0, 15, 12, 0).getTime())).toBe(new Date(2026, 0, 16, 12, 0).getTime());
    expect(timeOf('noon')).toBeNull();
  });

  it('is kept with a status of one\'s own, and counted anew when that is chosen', () => {
    const preset = presetOf({ pick: 'away', line: '🍜 Lunch', duration: 'lunch', at: '' });
    expect(preset).toEqual({ status: 'away', text: 'Lunch', emoji: '🍜', ends: { kind: 'lunch' } });
    if (preset === null) return;
    const later = new Date(2026, 0, 15, 11, 50).getTime();
    expect(choiceOfPreset(preset, later)).toEqual({ status: 'away', text: 'Lunch', emoji: '🍜', forMinutes: 10 });
    expect(presetOf(draftOf(null))).toBeNull();
  });
});

describe('a choice', () => {
  it('of nothing is none', () => {
    expect(choiceOf(draftOf(null), null, 0)).toBeNull();
  });

  it('keeps the end that it had, unless told otherwise', () => {
    const draft = draftOf({ status: 'dnd', text: 'Deep work', emoji: '🎧', until: 600_000 });
    expect(choiceOf(draft, 600_000, 0)).toEqual({ status: 'dnd', text: 'Deep work', emoji: '🎧', forMinutes: 10 });
    expect(choiceOf({ ...draft, duration: '60', at: '' }, 600_000, 0)?.forMinutes).toBe(60);
    expect(choiceOf({ ...draft, duration: 'open', at: '' }, 600_000, 0)?.forMinutes).toBeNull();
  });
});
