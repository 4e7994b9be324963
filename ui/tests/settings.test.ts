import axe from 'axe-core';
import { describe, expect, it } from 'vitest';

import { parseQuietHours, formatQuietHours } from '../src/lib/quiet-hours';
import { byTest, click, open, person, press, preferences, settings, settled, snapshot, type } from './stage';

async function openSettings(part = {}) {
  const stage = await open(snapshot({ people: [person('bob')], ...part }));
  click(byTest('settings-button'));
  await settled();
  return stage;
}

/** As somebody writes in a field and leaves it. */
async function write(id: string, text: string) {
  const field = byTest<HTMLInputElement>(id);
  type(field, text);
  field.dispatchEvent(new Event('change', { bubbles: true }));
  await settled();
}

describe('settings', () => {
  it('apply at once, each change alone, and say so', async () => {
    const stage = await openSettings();
    expect(byTest<HTMLInputElement>('set-name').value).toBe('Mia');
    expect(byTest<HTMLInputElement>('set-away').value).toBe('5');
    await write('set-name', 'Mia K.');
    expect(stage.host.changeSettings).toHaveBeenLastCalledWith(settings({ name: 'Mia K.' }));
    expect(byTest('settings-page').textContent).toContain('Saved');
    click(byTest('set-quiet'));
    await settled();
    const expected = settings({ name: 'Mia K.' });
    expected.notices.quiet_hours = '22:00-07:00';
    expect(stage.host.changeSettings).toHaveBeenLastCalledWith(expected);
  });

  it('that are changed while a change is on its way follow it as one', async () => {
    const stage = await openSettings();
    let done = () => {};
    stage.host.changeSettings.mockReturnValueOnce(new Promise((resolve) => (done = resolve)));
    for (const id of ['set-coarse', 'set-symbolic']) click(byTest(id));
    await write('set-away', '7');
    expect(stage.host.changeSettings).toHaveBeenCalledTimes(1);
    done();
    await settled();
    expect(stage.host.changeSettings).toHaveBeenCalledTimes(2);
    const all = settings({ coarse: true, symbolic_icon: true, away_after_s: 420 });
    expect(stage.host.changeSettings).toHaveBeenLastCalledWith(all);
  });

  it('keep the seconds of what was not touched', async () => {
    const stage = await open(snapshot(), ({ host }) => host.settings.mockResolvedValue(settings({ away_after_s: 90 })));
    click(byTest('settings-button'));
    await settled();
    click(byTest('set-coarse'));
    await settled();
    expect(stage.host.changeSettings.mock.calls[0]?.[0].away_after_s).toBe(90);
  });

  it.each([
    ['set-name', ' '],
    ['set-away', ''],
    ['set-away', '0'],
    ['set-grace', '61'],
  ])('do not take what %s can not be: "%s"', async (id, text) => {
    const stage = await openSettings();
    await write(id, text);
    expect(stage.host.changeSettings).not.toHaveBeenCalled();
  });

  it('say what went wrong where it went wrong, and show what holds', async () => {
    const stage = await openSettings();
    stage.host.changeSettings.mockRejectedValue({ code: 'config', message: 'config.toml, line 3: no.' });
    click(byTest('set-coarse'));
    await settled();
    expect(byTest('settings-page').textContent).toContain('onfig.toml, line 3: no.');
    expect(byTest('settings-page').textContent).not.toContain('Saved');
    expect(byTest<HTMLInputElement>('set-full').checked).toBe(true);
  });

  it('have the checks folded under Troubleshooting', async () => {
    await openSettings();
    expect(byTest<HTMLDetailsElement>('troubleshooting').open).toBe(false);
  });

  it('pause notifications for an hour and resume them', async () => {
    const off = new Date(2026, 0, 2, 15, 2).getTime();
    const stage = await openSettings({ preferences: preferences({ notices_off_until: off }) });
    expect(byTest('pause').textContent).toContain('Resume');
    click(byTest('pause'));
    expect(stage.host.pauseNotices).toHaveBeenCalledWith(null);
  });

  it('make invisible at once', async () => {
    const stage = await openSettings();
    click(byTest('set-invisible'));
    expect(stage.host.choose).toHaveBeenCalledWith({ status: 'invisible', text: null, emoji: null, forMinutes: null });
  });

  it('lead back with Escape, and axe finds nothing', async () => {
    await openSettings();
    const found = await axe.run(document.body, { rules: { 'color-contrast': { enabled: false } } });
    expect(found.violations.map(({ id }) => id)).toEqual([]);
    press('Escape');
    await settled();
    expect(document.activeElement).toBe(byTest('settings-button'));
  });
});

it('quiet hours are two times in one text', () => {
  expect(parseQuietHours('22:00-07:00')).toEqual({ from: '22:00', to: '07:00' });
  expect([parseQuietHours(null), parseQuietHours('22')]).toEqual([null, null]);
  expect(formatQuietHours(parseQuietHours('12:00-13:30'))).toBe('12:00-13:30');
});
