import { describe, expect, it } from 'vitest';

import { byTest, click, find, open, person, settled, snapshot, update } from './stage';

function rows(group: string): string[] {
  return [...document.querySelectorAll<HTMLElement>(`[data-group="${group}"]`)].map((row) => row.dataset['user'] ?? '');
}

describe('people', () => {
  const people = [
    person('bob', { status: 'dnd' }),
    person('anna'),
    person('cleo', { status: 'away', cause: 'idle' }),
    person('dan', { status: 'offline', cause: 'left' }),
  ];

  it('stand in groups with counts', async () => {
    await open(snapshot({ people }));
    expect([rows('here'), rows('away'), rows('offline')]).toEqual([['anna', 'bob'], ['cleo'], ['dan']]);
    expect(byTest('count-here').textContent).toBe('2');
    expect(find('#group-away').getAttribute('aria-label')).toBe('Away, 1 person');
    expect(find('[data-user="cleo"] .unseen').textContent).toBe('cleo, away, inactive');
  });

  it('move to another group when they change', async () => {
    const stage = await open(snapshot({ people }));
    stage.tellUpdate(update(2, { changes: [person('anna', { status: 'away', cause: 'locked' })] }));
    await settled();
    expect([rows('here'), rows('away')]).toEqual([['bob'], ['anna', 'cleo']]);
    expect(find('[data-user="anna"]').dataset['status']).toBe('away');
  });

  it('are asked for anew after a gap', async () => {
    const stage = await open(snapshot({ people }));
    expect(stage.host.snapshot).toHaveBeenCalledTimes(1);
    stage.host.snapshot.mockResolvedValue(snapshot({ seq: 3, people: [person('eve')] }));
    stage.tellUpdate(update(3, { leaves: ['anna'] }));
    await settled();
    expect(stage.host.snapshot).toHaveBeenCalledTimes(2);
    expect(rows('here')).toEqual(['eve']);
  });

  it('with hostile names are only text', async () => {
    const name = '<img src=x onerror="globalThis.broken = true">';
    await open(snapshot({ people: [person('x', { name, text: name }), person('__proto__', { status: name })] }));
    expect(document.querySelector('img')).toBeNull();
    expect(find('[data-user="x"] .name').textContent).toBe(name);
    expect(rows('here').sort()).toEqual(['__proto__', 'x']);
  });

  it('who are nobody yet leave words about it', async () => {
    await open(snapshot());
    expect(byTest('empty').textContent).toContain('Nobody else is here yet.');
  });

  it('who could not be read are not nobody', async () => {
    const since = Date.now();
    const stage = await open(snapshot({ link: { state: 'up', since, gap: 'withheld' } }));
    expect(byTest('empty').textContent).toContain('can\'t tell who is around.');
    expect(byTest('empty').textContent).not.toContain('Nobody');
    stage.tellUpdate(update(2, { link: { state: 'up', since, gap: 'unproven' } }));
    await settled();
    expect(byTest('empty').textContent).toContain('Nobody else is here yet.');
    expect(byTest('empty').textContent).toContain('Some brokers do not pass on stored messages');
  });
});

describe('the connection', () => {
  const problem = { code: 'unreachable', message: 'It does not answer.' };

  it('is quiet while it is up, and tells a screen reader', async () => {
    await open(snapshot());
    expect(byTest('link').dataset['state']).toBe('up');
    expect(find('[data-testid="link"] [role="status"]').className).toContain('unseen');
  });

  it('when lost says why, greys the list with its time, and can be asked for at once', async () => {
    const stage = await open(snapshot({ people: [person('anna')] }));
    const link = { state: 'connecting' as const, as_of: Date.now(), retry_at: Date.now() + 4_000, problem };
    stage.tellUpdate(update(2, { link, changes: [person('anna', { stale: true })], problems: [problem] }));
    await settled();
    const said = byTest('link');
    expect(said.textContent).toContain('It does not answer.');
    expect(said.textContent).toMatch(/Trying again in [34] s/);
    expect(find('[role="status"]').textContent).not.toContain('Trying');
    expect(find('main').textContent).toContain('Last known as of ');
    // The line has said it; the notices do not say it again.
    expect(document.querySelector('[data-testid="problems"]')).toBeNull();
    click(find('[data-testid="link"] button'));
    expect(stage.host.reconnectNow).toHaveBeenCalledOnce();
  });

  it('that waits for the computer that hosts the team says so calmly, and nothing else', async () => {
    const host = { name: 'Anna', cause: 'asleep' as const, since: new Date(2026, 0, 2, 14, 2).getTime() };
    const asleep = { code: 'host_asleep', message: "Anna's computer, which hosts this team, is asleep" };
    const link = { state: 'connecting' as const, as_of: null, retry_at: Date.now() + 9_000, problem: asleep, host };
    await open(snapshot({ link, problems: [asleep] }));
    const said = find('[data-testid="link"] [role="status"]').textContent;
    expect(said).toMatch(/^\s*Anna's computer, which hosts this team, has been asleep since .*\.\s*$/);
    expect(byTest('link').className).toContain('calm');
    expect(document.querySelector('[data-testid="problems"]')).toBeNull();
  });

  it('that was refused shows what the broker said', async () => {
    const refused = { state: 'refused' as const, as_of: null, retry_at: Date.now() + 300_000, problem };
    await open(snapshot({ link: refused }));
    expect(byTest('link').dataset['state']).toBe('refused');
    expect(byTest('link').textContent).toContain('It does not answer.');
    expect(byTest('empty').textContent).toContain('Nobody can be shown yet.');
  });
});

it('problems are listed', async () => {
  await open(snapshot({ problems: [{ code: 'hub_port_taken', message: 'The port is taken.' }] }));
  expect(byTest('problems').textContent).toContain('The port is taken.');
});

it('a snapshot that cannot be had says so and is asked for again', async () => {
  const stage = await open(Promise.reject({ code: 'gone', message: 'Not now.' }) as never);
  expect(byTest('unread').textContent).toContain('Not now.');
  stage.host.snapshot.mockResolvedValue(snapshot());
  click(find('[data-testid="unread"] button'));
  await settled();
  expect(byTest('me').dataset['status']).toBe('online');
});
