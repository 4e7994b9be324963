import { describe, expect, it } from 'vitest';

import type { Cause, ConnectionView, PersonView } from '../src/lib/contract';
import { dayWords, momentWords, nextMidnight } from '../src/lib/moment';
import { deviceLines, hostAway, kinds, linkWords, myStatus, retryWords, sentence, shownStatus, statusLine } from '../src/lib/words';
import table from '../../locales/status-lines.txt?raw';
import { me, person } from './stage';

const say = momentWords('en-GB');
const now = new Date('2025-11-21T15:00:00').getTime();
const at = new Date('2025-11-21T14:02:00').getTime();
const end = new Date('2025-11-21T15:30:00').getTime();

it.each([
  ['asleep', "Anna's computer, which hosts this team, has been asleep since 14:02", 'is asleep'],
  ['left', "Anna's computer, which hosts this team, was switched off or quit Porchlight at 14:02", 'quit Porchlight'],
  ['lost', "Anna's computer, which hosts this team, lost its connection at 14:02", 'lost its connection'],
] as const)('a host that is %s is said with its time where that is known', (cause, words, end) => {
  expect(hostAway({ name: 'Anna', cause, since: at }, now, say)).toBe(words);
  expect(hostAway({ name: 'Anna', cause, since: null }, now, say).endsWith(end)).toBe(true);
});

it.each([
  ['2025-11-21T14:02', 'today'],
  ['2025-11-20T23:59', 'yesterday'],
  ['2025-11-17T14:02', 'Monday'],
  ['2025-11-14T14:02', '14 Nov'],
  ['2024-11-21T14:02', '21 Nov 2024'],
])('the day of %s is %s', (moment, words) => {
  expect(dayWords('en-GB')(new Date(moment).getTime(), now)).toBe(words);
});

describe('a moment', () => {
  it.each([
    ['2025-11-21T14:02', '14:02'],
    ['2025-11-21T00:00', '00:00'],
    ['2025-11-20T23:59', 'yesterday 23:59'],
    ['2025-11-22T09:00', 'tomorrow 09:00'],
    ['2025-11-17T14:02', 'Mon 14:02'],
    ['2025-11-26T09:00', 'Wed 09:00'],
    ['2025-11-14T14:02', '14 Nov'],
    ['2024-11-21T14:02', '21 Nov 2024'],
  ])('of %s reads %s', (moment, words) => {
    expect(say(new Date(moment).getTime(), now)).toBe(words);
  });

  it('counts calendar days where the clock changes', () => {
    const sunday = new Date('2025-10-26T12:00').getTime();
    expect(say(new Date('2025-10-25T23:30').getTime(), sunday)).toBe('yesterday 23:30');
    expect(nextMidnight(sunday)).toBe(new Date('2025-10-27T00:00').getTime());
  });
});

describe('a status line', () => {
  /** "14:01" is 1, and "-" is unknown. */
  const at = (time: string) => (time === '-' ? null : Number(time.replace('14:0', '')));
  const cases = table.split('\n').filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.split(' | '));

  it.each(cases)('of %s because %s, since %s, until %s is "%s"', (status, cause, since, until, words) => {
    const reported = { status, cause: cause === '-' ? null : (cause as Cause), since: at(since), until: at(until) };
    expect(statusLine(reported, 0, (moment) => `14:0${moment}`)).toBe(words);
  });

  it('begins large in the list, and says that somebody’s connection broke a moment ago', () => {
    const anna = person('anna', { status: 'away', cause: 'chosen', since: at('-'), until: end, text: 'Lunch' });
    expect(shownStatus(anna, now, say)).toBe('Away (until 15:30)');
    const evidence = { ...anna.evidence, doubt: 'reconnecting' as const };
    expect(shownStatus({ ...anna, evidence }, now, say)).toBe('Reconnecting…');
  });
});

describe('a sentence', () => {
  it.each<[Partial<PersonView>, string]>([
    [{ status: 'away', cause: 'idle', since: at }, 'Anna, away since 14:02, inactive'],
    [{ status: 'online', since: at }, 'Anna, online since 14:02'],
    [{ status: 'online', cause: 'unknown' }, 'Anna, online, may be away'],
    [{ status: 'dnd', cause: 'chosen', until: end, text: 'Deep work' }, 'Anna, do not disturb (until 15:30), Deep work'],
    [{ status: 'online', typing: true }, 'Anna, online, typing'],
    [{ status: 'online', in_call: true }, 'Anna, online, in a call'],
    [{ status: 'online', typing: true, in_call: true, stale: true }, 'Anna, online, not current'],
  ])('of %o is "%s"', (part, words) => {
    expect(sentence(person('anna', { name: 'Anna', ...part }), now, say)).toBe(words);
  });

  it('tells two people of one name apart', () => {
    expect(sentence(person('anna-2', { name: 'Anna', shown_id: 'anna-2' }), now, say)).toBe('Anna (anna-2), online');
  });
});

describe('devices', () => {
  const laptop = { device: 'a', kind: 'laptop', status: 'online', cause: null, since: at };
  const phone = { device: 'b', kind: 'phone', status: 'offline', cause: 'left' as const, since: null };
  const silent = { device: '', kind: null, status: 'away', cause: 'idle' as const, since: at };

  it('that are here are named, each kind once', () => {
    expect(kinds(person('anna', { devices: [laptop, { ...laptop, device: 'c' }, silent, phone] }))).toBe('laptop');
  });

  it('that are all gone are named as well', () => {
    expect(kinds(person('anna', { devices: [phone] }))).toBe('phone');
  });

  it('each give their own evidence', () => {
    const lines = deviceLines([laptop, phone, silent], now, say);
    expect(lines).toBe('Laptop: online since 14:02\nPhone: left\nDevice: away since 14:02, inactive');
  });
});

describe('my status', () => {
  it.each([
    [{ status: 'online', since: at }, 'Online'],
    [{ status: 'online', cause: 'unknown' as const }, 'Online, may be away'],
    [{ status: 'away', cause: 'idle' as const, since: at }, 'Away since 14:02, inactive'],
    [
      { status: 'dnd', chosen: { status: 'dnd' as const, text: null, emoji: null, until: end } },
      'Do not disturb (until 15:30)',
    ],
    [{ status: 'offline' }, 'Offline'],
  ])('%o is "%s"', (part, words) => {
    expect(myStatus({ ...me, ...part }, now, say)).toBe(words);
  });
});

describe('the connection', () => {
  const problem = { code: 'unreachable', message: 'It does not answer.' };
  const trying = { state: 'connecting' as const, as_of: null, problem };

  it.each<[ConnectionView, string, string]>([
    [{ state: 'unset' }, 'Not set up to connect yet.', ''],
    [{ state: 'connecting', as_of: null, retry_at: null, problem: null }, 'Connecting…', ''],
    [{ ...trying, retry_at: null }, 'Not connected.', 'Trying again…'],
    [{ ...trying, retry_at: now + 3_400 }, 'Not connected.', 'Trying again in 4 s'],
    [{ ...trying, retry_at: now - 1 }, 'Not connected.', 'Trying again…'],
    [{ state: 'up', since: at }, 'Connected.', ''],
    [{ state: 'refused', as_of: null, retry_at: end, problem }, 'Not connected.', 'Trying again at 15:30'],
    [{ state: 'closed' }, 'Signed off.', ''],
  ])('%o is "%s" and "%s"', (link, words, retry) => {
    expect(linkWords(link)).toBe(words);
    expect(retryWords(link, now, say)).toBe(retry);
  });
});
