/** What time it is where somebody is, and that it is right for as long as it is shown. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { localTime, localTimeInFull, localTimeWords } from '../src/lib/local-time';
import { byTest, click, find, open, person, settled, snapshot, update } from './stage';

// A winter's afternoon in Berlin.
const at = new Date('2026-01-15T14:02:30').getTime();

describe('a time elsewhere', () => {
  it.each([
    ['Asia/Tokyo', 'Local time 22:02', 'Local time 22:02, 8 h ahead of you'],
    ['Europe/London', 'Local time 13:02', 'Local time 13:02, 1 h behind you'],
    ['Asia/Kolkata', 'Local time 18:32', 'Local time 18:32, 4 h 30 min ahead of you'],
    ['Pacific/Auckland', 'Local time 02:02', 'Local time tomorrow 02:02, 12 h ahead of you'],
  ])('in %s is told', (tz, words, fully) => {
    const there = localTime(tz, at, 'en-GB');
    if (there === null) throw new Error('it is another time there');
    expect([localTimeWords(there), localTimeInFull(there)]).toEqual([words, fully]);
  });

  it('may be of yesterday, and is another for weeks each spring', () => {
    const night = new Date('2026-01-15T03:00').getTime();
    expect(localTime('America/New_York', night, 'en-GB')).toEqual({ time: '21:00', days: -1, ahead: -360 });
    // New York has its summer time already, and Berlin has not.
    const march = new Date('2026-03-15T12:00').getTime();
    expect(localTime('America/New_York', march, 'en-GB')).toEqual({ time: '07:00', days: 0, ahead: -300 });
  });

  it.each([null, 'Europe/Berlin', 'Europe/Paris', 'Nowhere/At_All', '', '__proto__', '<b>'])('in %s is not told', (tz) => {
    expect(localTime(tz, at, 'en-GB')).toBeNull();
  });

  it('is told of a zone as soon as it is another', () => {
    // Both are an hour ahead of UTC in winter, and one of them has no summer time.
    expect(localTime('Africa/Lagos', at, 'en-GB')).toBeNull();
    expect(localTime('Africa/Lagos', new Date('2026-07-15T14:02').getTime(), 'en-GB')).toEqual({ time: '13:02', days: 0, ahead: -60 });
  });
});

describe('in the window', () => {
  const anna = person('anna', { name: 'Anna', tz: 'Asia/Tokyo' });
  const bob = person('bob', { name: 'Bob', tz: 'Europe/Berlin' });

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
    vi.setSystemTime(at);
  });

  afterEach(() => {
    vi.useRealTimers();
    hide(false);
  });

  function hide(hidden: boolean): void {
    Object.defineProperty(document, 'hidden', { configurable: true, value: hidden });
    document.dispatchEvent(new Event('visibilitychange'));
  }

  async function pass(ms: number): Promise<void> {
    await vi.advanceTimersByTimeAsync(ms);
    await settled();
  }

  const shown = () => find('[data-user="anna"] [data-testid="there"]').textContent?.replace(/\s?[AP]M/u, '');

  it('it stands in the row where it differs, is heard, and goes on with the minutes', async () => {
    await open(snapshot({ people: [anna, bob] }));
    expect(shown()).toMatch(/^Local time (22|10):02$/u);
    expect(find('[data-user="anna"] .unseen').textContent).toMatch(/^Anna, online, Local time (22|10):02/u);
    expect(find('[data-user="bob"]').querySelector('[data-testid="there"]')).toBeNull();
    await pass(31_000);
    expect(shown()).toMatch(/^Local time (22|10):03$/u);
    await pass(60_000);
    expect(shown()).toMatch(/^Local time (22|10):04$/u);
  });

  it('it rests while nobody looks, and is right at once when somebody does', async () => {
    await open(snapshot({ people: [anna] }));
    hide(true);
    const timers = vi.getTimerCount();
    await pass(600_000);
    expect(shown()).toMatch(/:02$/u);
    expect(vi.getTimerCount()).toBeLessThanOrEqual(timers);
    hide(false);
    await settled();
    expect(shown()).toMatch(/:12$/u);
  });

  it('it follows who moves, and needs no clock once nobody is elsewhere', async () => {
    const stage = await open(snapshot({ people: [anna, bob] }));
    const timers = vi.getTimerCount();
    stage.tellUpdate(update(2, { changes: [{ ...anna, tz: 'Europe/Berlin' }] }));
    await settled();
    expect(document.querySelector('[data-testid="there"]')).toBeNull();
    stage.tellUpdate(update(3, { changes: [anna, bob].map(({ tz: _, ...nowhere }) => nowhere) }));
    await settled();
    await settled();
    expect(vi.getTimerCount()).toBeLessThan(timers);
  });

  it('it stands on their page with how far that is', async () => {
    await open(snapshot({ people: [anna] }));
    click(find('[data-user="anna"] [data-testid="reach"]'));
    await settled();
    expect(byTest('there').textContent).toMatch(/^Local time (22|10):02.*, 8 h ahead of you$/u);
    await pass(31_000);
    expect(byTest('there').textContent).toMatch(/^Local time (22|10):03.*, 8 h ahead of you$/u);
  });
});
