import { describe, expect, it } from 'vitest';

import { choiceOf, draftOf } from '../src/lib/choices';
import { initials, TINTS, tintOf } from '../src/lib/face';
import { shapeOf } from '../src/lib/glyph';
import { grouped, groupOf, sharedNames } from '../src/lib/groups';
import { lineOf, noteOf } from '../src/lib/note';
import { person } from './stage';

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
    expect(grouped(people).here.map((one) => one.user)).toEqual(['a', 'z', 'b', 'c']);
  });

  it('know the names that are worn twice', () => {
    expect([...sharedNames(['Anna', 'Bob', 'Anna', '__proto__'])]).toEqual(['Anna']);
  });
});

describe('a face', () => {
  it.each([
    ['Ada Lovelace', 'AL'],
    ['Ada King Lovelace', 'AL'],
    ['ada', 'A'],
    ['(bob) builder', 'BB'],
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
    expect(noteOf(line)).toEqual(note);
    expect(noteOf(lineOf(note))).toEqual(note);
  });
});

describe('a choice', () => {
  it('of nothing is none', () => {
    expect(choiceOf(draftOf(null), null, 0)).toBeNull();
  });

  it('keeps the end that it had, unless told otherwise', () => {
    const draft = draftOf({ status: 'dnd', text: 'Deep work', emoji: '🎧', until: 600_000 });
    expect(choiceOf(draft, 600_000, 0)).toEqual({ status: 'dnd', text: 'Deep work', emoji: '🎧', forMinutes: 10 });
    expect(choiceOf({ ...draft, duration: '60' }, 600_000, 0)?.forMinutes).toBe(60);
    expect(choiceOf({ ...draft, duration: 'open' }, 600_000, 0)?.forMinutes).toBeNull();
  });
});
