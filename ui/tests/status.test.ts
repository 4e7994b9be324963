import { describe, expect, it } from 'vitest';

import { byTest, click, find, me, open, press, settled, snapshot, type, update } from './stage';

async function openMenu(part = {}) {
  const stage = await open(snapshot({ me: { ...me, ...part } }));
  byTest('status-button').focus();
  press('ArrowDown');
  await settled();
  return stage;
}

function active(): string | null {
  return find('[role="listbox"]').getAttribute('aria-activedescendant');
}

function closed(): boolean {
  return document.querySelector('[role="dialog"]') === null && document.activeElement === byTest('status-button');
}

describe('the status menu by keyboard', () => {
  it('opens on what holds, and the list has the focus', async () => {
    await openMenu();
    expect(document.activeElement).toBe(find('[role="listbox"]'));
    expect(active()).toBe('pick-automatic');
    expect(find('[aria-selected="true"]').dataset['pick']).toBe('automatic');
    expect(byTest('status-button').getAttribute('aria-expanded')).toBe('true');
  });

  it('moves without choosing, chooses with Enter, and gives the focus back', async () => {
    const stage = await openMenu();
    press('ArrowDown');
    press('ArrowDown');
    expect(active()).toBe('pick-away');
    expect(stage.host.choose).not.toHaveBeenCalled();
    press('Enter');
    expect(stage.host.choose).toHaveBeenCalledWith({ status: 'away', text: null, emoji: null, forMinutes: null });
    await settled();
    expect(closed()).toBe(true);
  });

  it('stops at both ends and jumps to a letter', async () => {
    await openMenu();
    press('ArrowUp');
    expect(active()).toBe('pick-automatic');
    press('End');
    press('ArrowDown');
    expect(active()).toBe('pick-invisible');
    press('Home');
    press('a');
    expect(active()).toBe('pick-away');
    press('d');
    expect(active()).toBe('pick-dnd');
  });

  it('goes back to automatic', async () => {
    const stage = await openMenu({ chosen: { status: 'away', text: null, emoji: null, until: null } });
    expect(active()).toBe('pick-away');
    press('Home');
    press(' ');
    expect(stage.host.clearChosen).toHaveBeenCalledOnce();
  });

  it('leaves everything as it was on Escape', async () => {
    const stage = await openMenu();
    press('End');
    press('Escape');
    await settled();
    expect(closed()).toBe(true);
    expect(stage.host.choose).not.toHaveBeenCalled();
  });
});

describe('a note', () => {
  it('goes out with its status and its end, all at once', async () => {
    const stage = await openMenu();
    click(byTest('status-more'));
    expect(document.activeElement).toBe(byTest('status-note'));
    type(byTest('status-note'), '🍜 Lunch');
    click(find('[data-pick="away"]'));
    click(find('input[value="60"]'));
    expect(stage.host.choose).not.toHaveBeenCalled();
    click(byTest('status-set'));
    expect(stage.host.choose).toHaveBeenCalledWith({ status: 'away', text: 'Lunch', emoji: '🍜', forMinutes: 60 });
  });

  it('that stands is there to be changed, and does not change under the hand', async () => {
    const chosen = { status: 'dnd' as const, text: 'Deep work', emoji: null, until: Date.now() + 600_000 };
    const stage = await openMenu({ status: 'dnd', cause: 'chosen', chosen });
    expect(byTest<HTMLInputElement>('status-note').value).toBe('Deep work');
    stage.tellUpdate(update(2, { me: { ...me, chosen: null } }));
    await settled();
    expect(byTest<HTMLInputElement>('status-note').value).toBe('Deep work');
    press('Enter');
    expect(stage.host.choose).toHaveBeenCalledWith({ status: 'dnd', text: 'Deep work', emoji: null, forMinutes: 10 });
  });
});

it('a status that could not be set says why', async () => {
  const stage = await openMenu();
  stage.host.choose.mockRejectedValue(new Error('a bare error from below'));
  click(find('[data-pick="dnd"]'));
  await settled();
  expect(byTest('failure').dataset['code']).toBe('unexpected');
  expect(byTest('failure').getAttribute('role')).toBe('alert');
});
