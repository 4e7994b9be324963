/** Invented people for the demo scenes. Together they show everything the window has to display. */
import type { Cause, Evidence, PersonView } from '../lib/contract';

type Sketch = Partial<Omit<PersonView, 'devices'>> & { kinds?: string[] };

/** The moment that many minutes ago. */
export function ago(minutes: number): number {
  return Date.now() - minutes * 60_000;
}

/** Evidence of a device whose last message is some time ago. */
export function witness(status: string, cause: Cause | null, since: number | null): Evidence {
  const within = status === 'offline' ? null : 18;
  return { device: 'a', kind: null, status, cause, since, heard: ago(3), loss_shows_within_s: within, doubt: null };
}

export function person(name: string, status: string, cause: Cause | null, sketch: Sketch = {}): PersonView {
  const { kinds = ['laptop'], ...rest } = sketch;
  const since = sketch.since === undefined ? ago(47) : sketch.since;
  const user = sketch.user ?? name.toLowerCase().replace(/\W+/g, '-');
  return {
    user,
    name,
    status,
    cause,
    since,
    text: null,
    emoji: null,
    until: null,
    stale: false,
    evidence: witness(status, cause, since),
    devices: kinds.map((kind, at) => ({ device: `${user}-${at}`, kind, status, cause, since })),
    ...rest,
  };
}

export function eight(): PersonView[] {
  return [
    person('Ada Lovelace', 'online', null, {
      kinds: ['laptop', 'desktop'],
      since: ago(128),
      tz: 'Europe/London',
      links: ['mailto:ada@example.org', 'tel:+442079460000', 'https://example.org/ada'],
    }),
    person('Grace Hopper', 'dnd', 'chosen', {
      text: 'Deep work',
      emoji: '🎧',
      until: ago(-55),
      kinds: ['desktop'],
      tz: 'America/New_York',
    }),
    person('Katherine Johnson', 'online', null, {
      typing: true,
      since: ago(12),
      tz: 'Asia/Kolkata',
      links: ['xmpp:katherine@example.org'],
    }),
    person('Edsger Dijkstra', 'online', 'unknown', { in_call: true, kinds: ['desktop'], since: ago(301) }),
    person('Barbara Liskov', 'away', 'idle', { since: ago(19) }),
    person('Donald Knuth', 'away', 'chosen', {
      text: 'Lunch, then the archive for a long while',
      emoji: '🍜',
      until: ago(-30),
    }),
    person('Alan Turing', 'offline', 'lost', { since: ago(6) }),
    person('Radia Perlman', 'offline', 'asleep', { since: ago(15 * 60), kinds: ['laptop'] }),
  ];
}

/** What strangers may send: markup, property names, text directions, long text, and one name used twice. */
export function strange(): PersonView[] {
  return [
    person('<img src=x onerror=alert(1)>', 'online', null, { user: 'img' }),
    person('__proto__', 'online', null, { user: '__proto__' }),
    person('فاطمة الزهراء', 'in a meeting', null, { user: 'fatima' }),
    person('Anna Schmidt', 'online', null, { user: 'anna', shown_id: 'anna' }),
    person('Anna Schmidt', 'away', 'locked', { user: 'anna-2', shown_id: 'anna-2' }),
    person('Wolfeschlegelsteinhausenbergerdorff the Elder of Hamburg', 'online', 'unknown', { user: 'wolfe' }),
    person('Nobody Knows', 'offline', null, {
      since: null,
      kinds: [],
      tz: 'Nowhere/At_All',
      links: ['javascript:alert(1)', 'https://<b>x', 'mailto:<img src=x>'],
    }),
    person('Olga', 'away', 'switched', {
      since: ago(3 * 24 * 60),
      kinds: ['laptop', 'workstation', 'desktop'],
      tz: 'Asia/Tokyo',
    }),
    person('🦊', 'offline', 'left', { user: 'fox', since: ago(40 * 24 * 60) }),
  ];
}

export function crowd(size: number): PersonView[] {
  const states: [string, Cause | null][] = [
    ['online', null],
    ['online', null],
    ['away', 'idle'],
    ['offline', 'left'],
    ['dnd', 'chosen'],
    ['away', 'locked'],
    ['offline', 'asleep'],
  ];
  return Array.from({ length: size }, (_, at) => {
    const [status, cause] = states[(at * 5) % states.length] ?? ['online', null];
    return person(`Teammate ${at + 1}`, status, cause, { since: ago(at * 7) });
  });
}
