/** The list as a person uses it: by keys, filtered, ten thousand long, and as the assistive technologies find it. */
import axe from 'axe-core';
import { describe, expect, it } from 'vitest';

import { byTest, click, find, me, open, person, preferences, press, settled, snapshot, type, update } from './stage';

const people = [
  person('anna', { name: 'Anna' }),
  person('bob', { name: 'Bob', status: 'away', cause: 'idle', tz: 'Asia/Tokyo', links: ['mailto:bob@example.org'] }),
  person('cleo', { name: 'Cleo', status: 'offline', cause: 'left' }),
];

const regard = (user: string, part = {}) => ({ user, favourite: false, nickname: null, notices: 'usual' as const, ...part });

function shown(): string[] {
  return [...document.querySelectorAll<HTMLElement>('[data-user]')].map((row) => row.dataset['user'] ?? '');
}

function on(): string | undefined {
  return document.activeElement?.closest<HTMLElement>('[data-user]')?.dataset['user'];
}

async function key(name: string) {
  press(name);
  await settled();
}

async function violations(): Promise<string[]> {
  // Colours are a matter of the stylesheet, which is not laid out here.
  const found = await axe.run(document.body, { rules: { 'color-contrast': { enabled: false } } });
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
}

describe('the list by keys', () => {
  it('is one stop, in which arrows, Home and End move', async () => {
    await open(snapshot({ people }));
    const stops = [...document.querySelectorAll('[data-testid="reach"]')].map((one) => one.getAttribute('tabindex'));
    expect(stops).toEqual(['0', '-1', '-1']);
    find('[data-user="anna"] button').focus();
    await key('ArrowDown');
    expect(on()).toBe('bob');
    await key('End');
    expect(on()).toBe('cleo');
    await key('ArrowDown');
    expect(on()).toBe('cleo');
    await key('Home');
    expect(on()).toBe('anna');
  });

  it('shows the id beside a name that looks like another, to eyes and ears and on the page behind it', async () => {
    const namesakes = [
      person('anna', { name: 'Anna', shown_id: 'anna' }),
      person('anna-2', { name: 'Anna', shown_id: '[U+0430]nna-2' }),
      person('bob', { name: 'Bob' }),
    ];
    await open(snapshot({ people: namesakes }));
    const rows = [...document.querySelectorAll<HTMLElement>('[data-user]')];
    expect(rows.map((row) => row.querySelector('.id')?.textContent ?? null)).toEqual(['anna', '[U+0430]nna-2', null]);
    expect(rows[1]?.querySelector('.unseen')?.textContent).toMatch(/^Anna \(\[U\+0430\]nna-2\), /u);
    expect(rows[1]?.querySelector('button')?.getAttribute('aria-label')).toContain('Anna ([U+0430]nna-2)');
    click(find('[data-user="anna-2"] button'));
    await settled();
    expect(byTest('reach-page').querySelector('h1, h2')?.textContent).toBe('Anna ([U+0430]nna-2)');
  });

  it('opens somebody and comes back to them', async () => {
    await open(snapshot({ people }));
    find('[data-user="anna"] button').focus();
    await key('ArrowDown');
    click(document.activeElement as HTMLElement);
    await settled();
    expect(byTest('reach-page').dataset['with']).toBe('bob');
    await key('Escape');
    await settled();
    expect(on()).toBe('bob');
  });

  it('filters from wherever one is, says how many it found, and Escape takes that away', async () => {
    await open(snapshot({ people }));
    find('[data-user="anna"] button').focus();
    await key('/');
    expect(document.activeElement).toBe(byTest('filter'));
    type(byTest<HTMLInputElement>('filter'), 'cl');
    await settled();
    expect(shown()).toEqual(['cleo']);
    expect(byTest('found').textContent).toBe('1 person found');
    await key('ArrowDown');
    expect(on()).toBe('cleo');
    byTest('filter').focus();
    await key('Escape');
    expect(shown()).toEqual(['anna', 'bob', 'cleo']);
    expect(byTest('found').textContent).toBe('');
  });

  it('takes Enter in the filter for the first who is found', async () => {
    await open(snapshot({ people }));
    byTest('filter').focus();
    type(byTest<HTMLInputElement>('filter'), 'bo');
    await key('Enter');
    expect(byTest('reach-page').dataset['with']).toBe('bob');
  });
});

describe('what I want of people', () => {
  it('puts favourites first and calls people as I do', async () => {
    const known = [regard('cleo', { favourite: true }), regard('bob', { nickname: 'Bobby <b>' })];
    await open(snapshot({ people, preferences: preferences({ people: known }) }));
    expect(shown()).toEqual(['cleo', 'anna', 'bob']);
    expect(byTest('count-favourites').textContent).toBe('1');
    expect(find('[data-user="bob"] .name').textContent).toBe('Bobby <b>');
  });

  it('is set on their page', async () => {
    const stage = await open(snapshot({ people }));
    click(find('[data-user="bob"] button'));
    await settled();
    click(byTest('favourite'));
    expect(stage.host.favourite).toHaveBeenCalledWith('bob', true);
    const nickname = byTest<HTMLInputElement>('nickname');
    type(nickname, 'Bobby');
    nickname.dispatchEvent(new Event('change', { bubbles: true }));
    expect(stage.host.nickname).toHaveBeenCalledWith('bob', 'Bobby');
    const notices = byTest<HTMLSelectElement>('notices-of');
    notices.value = 'never';
    notices.dispatchEvent(new Event('change', { bubbles: true }));
    expect(stage.host.noticesOf).toHaveBeenCalledWith('bob', 'never');
  });

  it('hides who is offline, as the host says', async () => {
    const stage = await open(snapshot({ people }));
    click(byTest('hide-offline'));
    expect(stage.host.hideOffline).toHaveBeenCalledWith(true);
    stage.tellUpdate(update(2, { preferences: preferences({ hide_offline: true }) }));
    await settled();
    expect(shown()).toEqual(['anna', 'bob']);
  });
});

it('an unknown activity is explained where it is shown', async () => {
  await open(snapshot({ people: [person('eve', { cause: 'unknown' })] }));
  click(find('[data-user="eve"] button'));
  await settled();
  expect(byTest('evidence').textContent).toContain('it can’t tell whether anyone is using it');
});

it('statuses of one\'s own are chosen with one click, kept and forgotten', async () => {
  const lunch = { status: 'away' as const, text: 'Lunch', emoji: '🍜', ends: { kind: 'after' as const, minutes: 45 } };
  const stage = await open(snapshot({ preferences: preferences({ presets: [lunch] }) }));
  click(byTest('status-button'));
  await settled();
  click(byTest('forget-preset'));
  expect(stage.host.keepPresets).toHaveBeenCalledWith([]);
  click(byTest('preset'));
  expect(stage.host.choose).toHaveBeenCalledWith({ status: 'away', text: 'Lunch', emoji: '🍜', forMinutes: 45 });
});

describe('ten thousand people', () => {
  const crowd = Array.from({ length: 10_000 }, (_, at) => person(`u${at}`, { name: `Teammate ${at}` }));

  it('are a page of rows, and any of them is found', async () => {
    await open(snapshot({ people: crowd }));
    expect(shown().length).toBeGreaterThan(10);
    expect(shown().length).toBeLessThan(60);
    expect(byTest('count-here').textContent).toBe('10000');
    type(byTest<HTMLInputElement>('filter'), 'teammate 9999');
    await settled();
    expect(shown()).toEqual(['u9999']);
  });

  it('change many times a frame and are drawn once', async () => {
    const stage = await open(snapshot({ people: crowd }));
    for (let at = 0; at < 500; at += 1) {
      stage.tellUpdate(update(2 + at, { changes: [person(`u${at}`, { name: `Teammate ${at}`, status: 'away' })] }));
    }
    await settled();
    expect(byTest('count-here').textContent).toBe('9500');
    expect(stage.host.snapshot).toHaveBeenCalledTimes(1);
  });
});

describe('axe finds nothing', () => {
  it.each([
    ['in the list', snapshot({ people })],
    ['in an empty one', snapshot()],
    ['in one that nobody can be reached from', snapshot({ people, me: null })],
  ])('%s', async (_, first) => {
    await open(first);
    expect(await violations()).toEqual([]);
  });

  it('on a person\'s page', async () => {
    await open(snapshot({ people }));
    click(find('[data-user="bob"] button'));
    await settled();
    expect(await violations()).toEqual([]);
  });

  it('in the status panel with its details', async () => {
    const lunch = { status: 'away' as const, text: 'Lunch', emoji: null, ends: { kind: 'today' as const } };
    await open(snapshot({ people, me, preferences: preferences({ presets: [lunch] }) }));
    click(byTest('status-button'));
    await settled();
    click(byTest('status-more'));
    await settled();
    expect(await violations()).toEqual([]);
  });
});
