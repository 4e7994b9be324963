import axe from 'axe-core';
import { describe, expect, it } from 'vitest';

import { quietOf, quietText } from '../src/lib/quiet';
import { byTest, click, open, person, press, preferences, settings, settled, snapshot, type } from './stage';

async function openSettings(part = {}) {
  const stage = await open(snapshot({ people: [person('bob')], ...part }));
  click(byTest('settings-button'));
  await settled();
  return stage;
}

describe('settings', () => {
  it('are what holds, and only what was changed is other when saved', async () => {
    const stage = await openSettings();
    expect(byTest<HTMLInputElement>('set-name').value).toBe('Mia');
    expect(byTest<HTMLInputElement>('set-away').value).toBe('5');
    type(byTest<HTMLInputElement>('set-name'), 'Mia K.');
    click(byTest('set-quiet'));
    click(byTest('set-save'));
    await settled();
    const expected = settings({ name: 'Mia K.' });
    expected.notices.quiet_hours = '22:00-07:00';
    expect(stage.host.changeSettings).toHaveBeenCalledWith(expected);
    expect(byTest('settings-page').textContent).toContain('Saved.');
  });

  it('keep the seconds of what was not touched', async () => {
    const stage = await open(snapshot(), ({ host }) => host.settings.mockResolvedValue(settings({ away_after_s: 90 })));
    click(byTest('settings-button'));
    await settled();
    click(byTest('set-save'));
    await settled();
    expect(stage.host.changeSettings.mock.calls[0]?.[0].away_after_s).toBe(90);
  });

  it('say what went wrong where it went wrong', async () => {
    const stage = await openSettings();
    stage.host.changeSettings.mockRejectedValue({ code: 'config', message: 'config.toml, line 3: no.' });
    click(byTest('set-save'));
    await settled();
    expect(byTest('settings-page').textContent).toContain('onfig.toml, line 3: no.');
    expect(byTest('settings-page').textContent).not.toContain('Saved.');
  });

  it('switch notices off for an hour and on again', async () => {
    const off = new Date(2026, 0, 2, 15, 2).getTime();
    const stage = await openSettings({ preferences: preferences({ notices_off_until: off }) });
    expect(byTest('pause').textContent).toContain('switch on');
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
  expect(quietOf('22:00-07:00')).toEqual({ from: '22:00', to: '07:00' });
  expect([quietOf(null), quietOf('22')]).toEqual([null, null]);
  expect(quietText(quietOf('12:00-13:30'))).toBe('12:00-13:30');
});
