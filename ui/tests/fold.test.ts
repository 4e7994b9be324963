import { describe, expect, it } from 'vitest';

import { answered, applyUpdates, heardSnapshot, heardUpdate, heardUpdates, unread, viewOf, type Reading, type View } from '../src/lib/fold';
import type { Update } from '../src/lib/contract';
import { me, person, snapshot, update } from './stage';

function reading(seq: number, ...users: string[]): Reading {
  return heardSnapshot(snapshot({ seq, people: users.map((user) => person(user)) }));
}

function applyUpdate(view: View, one: Update): View {
  return applyUpdates(view, [one]);
}

function users(of: Reading): string[] {
  return [...(of.view?.people.keys() ?? [])];
}

describe('an update', () => {
  it('that is next is folded', () => {
    const after = heardUpdate(reading(4, 'anna'), update(5, { joins: [person('bob')] }));
    expect(after.asking).toBe(false);
    expect(after.view?.seq).toBe(5);
    expect(users(after)).toEqual(['anna', 'bob']);
  });

  it('that is old changes nothing', () => {
    const before = reading(4, 'anna');
    expect(heardUpdate(before, update(4, { leaves: ['anna'] }))).toBe(before);
  });

  it('after a gap asks for a snapshot and leaves what is shown', () => {
    const after = heardUpdate(reading(4, 'anna'), update(6, { leaves: ['anna'] }));
    expect(after.asking).toBe(true);
    expect(users(after)).toEqual(['anna']);
  });

  it('that comes before its snapshot is not lost', () => {
    const waiting = heardUpdate(unread, update(6, { joins: [person('bob')] }));
    const after = answered(waiting, snapshot({ seq: 5, people: [person('anna')] }));
    expect(after.asking).toBe(false);
    expect(users(after)).toEqual(['anna', 'bob']);
  });

  it('that the snapshot contains already is not folded twice', () => {
    const waiting = heardUpdate(unread, update(5, { leaves: ['anna'] }));
    const after = answered(waiting, snapshot({ seq: 5, people: [person('anna')] }));
    expect(users(after)).toEqual(['anna']);
  });

  it('still missing after the snapshot asks once more', () => {
    const waiting = heardUpdate(unread, update(9));
    expect(answered(waiting, snapshot({ seq: 5 })).asking).toBe(true);
  });
});

describe('updates of one frame', () => {
  const all = [
    update(5, { joins: [person('bob')] }),
    update(6, { leaves: ['anna'] }),
    update(7, { changes: [person('bob', { status: 'away' })] }),
    update(8, { joins: [person('anna')], leaves: ['bob'] }),
  ];

  it('come to what they come to one after the other', () => {
    const single = all.reduce(heardUpdate, reading(4, 'anna'));
    expect(heardUpdates(reading(4, 'anna'), all)).toEqual(single);
    expect(users(single)).toEqual(['anna']);
  });

  it('are folded up to a gap, and wait from there on', () => {
    const [first, , third, fourth] = all;
    if (first === undefined || third === undefined || fourth === undefined) return;
    const after = heardUpdates(reading(4, 'anna'), [first, third, fourth]);
    expect([after.asking, after.view?.seq, after.waiting]).toEqual([true, 5, [third, fourth]]);
  });
});

describe('folding', () => {
  it('forgets who leaves and keeps the others as they were', () => {
    const before = viewOf(snapshot({ people: [person('anna'), person('bob')] }));
    const after = applyUpdate(before, update(2, { leaves: ['anna', 'never-known'] }));
    expect([...after.people.keys()]).toEqual(['bob']);
    expect(after.people.get('bob')).toBe(before.people.get('bob'));
    expect(before.people.size).toBe(2);
  });

  it('keeps what an update does not mention', () => {
    const before = viewOf(snapshot({ problems: [{ code: 'a', message: 'A' }] }));
    const after = applyUpdate(before, update(2, { link: { state: 'closed' } }));
    expect(after).toMatchObject({ me, problems: before.problems, link: { state: 'closed' } });
    expect(after.people).toBe(before.people);
  });

  it('takes an empty list of problems as none', () => {
    const before = viewOf(snapshot({ problems: [{ code: 'a', message: 'A' }] }));
    expect(applyUpdate(before, update(2, { problems: [] })).problems).toEqual([]);
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('takes %s for a person like any other', (user) => {
    const joined = applyUpdate(viewOf(snapshot()), update(2, { joins: [person(user)] }));
    expect(joined.people.get(user)?.user).toBe(user);
    const changed = applyUpdate(joined, update(3, { changes: [person(user, { status: 'away' })] }));
    expect(changed.people.get(user)?.status).toBe('away');
    expect(applyUpdate(changed, update(4, { leaves: [user] })).people.size).toBe(0);
  });
});

it('a snapshot sent by the host replaces everything, whatever its number', () => {
  const after = heardSnapshot(snapshot({ seq: 0, stage: 'starting' }));
  expect(after).toMatchObject({ asking: false, waiting: [], view: { seq: 0, stage: 'starting' } });
});
