import axe from 'axe-core';
import { describe, expect, it } from 'vitest';

import { byTest, click, open, settings, settled, snapshot } from './stage';

const there = { version: '0.2.0' };
const isThere = (id: string) => document.querySelector(`[data-testid=${id}]`) !== null;

describe('a newer version', () => {
  it('is told of, fetched when the person says so, and started', async () => {
    const stage = await open(snapshot(), ({ host }) => host.lookForNewer.mockResolvedValue(there));
    expect(byTest('newer').textContent).toContain('Porchlight 0.2.0 is available.');
    const found = await axe.run(byTest('newer'), { rules: { 'color-contrast': { enabled: false } } });
    expect(found.violations).toEqual([]);
    let taken = () => {};
    stage.host.takeNewer.mockImplementation(() => new Promise((done) => (taken = done)));
    click(byTest('take-newer'));
    await settled();
    stage.tell('fetched', 40);
    await settled();
    expect(byTest('newer').textContent).toContain('40 %');
    expect(isThere('take-newer')).toBe(false);
    taken();
    await settled();
    expect(byTest('newer').textContent).toContain('Restarting');
  });

  it('that can not be had says why, and can be asked for again', async () => {
    const stage = await open(snapshot(), ({ host }) => host.lookForNewer.mockResolvedValue(there));
    stage.host.takeNewer.mockRejectedValue({ code: 'newer_not_fetched', message: 'it could not be fetched: no net.' });
    click(byTest('take-newer'));
    await settled();
    expect(byTest('newer').textContent).toContain('no net.');
    expect(isThere('take-newer')).toBe(true);
  });

  it('is not told of again once it was put off, but the one after it is', async () => {
    const stage = await open(snapshot(), ({ host }) => host.lookForNewer.mockResolvedValue(there));
    click(byTest('newer-later'));
    await settled();
    expect(isThere('newer')).toBe(false);
    stage.host.lookForNewer.mockResolvedValue({ version: '0.3.0' });
    document.dispatchEvent(new Event('visibilitychange'));
    await settled();
    expect(byTest('newer').textContent).toContain('0.3.0');
  });

  it('is nothing to worry about where nobody can tell', async () => {
    await open(snapshot(), ({ host }) => host.lookForNewer.mockRejectedValue({ code: 'x', message: 'No.' }));
    expect(isThere('newer')).toBe(false);
    expect(isThere('failure')).toBe(false);
  });

  it('is looked for unless the person says otherwise, where the app brings it itself', async () => {
    const stage = await open(snapshot(), ({ host }) => {
      host.version.mockResolvedValue({ version: '0.1.0', updates: 'app' });
    });
    click(byTest('settings-button'));
    await settled();
    expect(byTest('version').textContent).toBe('Porchlight 0.1.0');
    click(byTest('set-updates'));
    await settled();
    expect(stage.host.changeSettings).toHaveBeenCalledWith(settings({ updates: false }));
  });

  it('comes with the packages elsewhere', async () => {
    await open(snapshot());
    click(byTest('settings-button'));
    await settled();
    expect(isThere('set-updates')).toBe(false);
    expect(byTest('settings-page').textContent).toContain('packages');
  });
});
