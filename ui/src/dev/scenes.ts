/** Snapshots for each state of the window, one per scene: `?scene=stale`. */
import type { ExchangeView, ConnectionView, MeView, PreferencesView, Problem, SignalsView, Snapshot } from '../lib/contract';
import { preferredLanguage } from '../lib/i18n.svelte';
import { ago, crowd, eight, strange } from './people';
import { NAME } from './teams';

const unreachable: Problem = {
  code: 'unreachable',
  message: 'hub.example:8883 does not answer. Check the network or the address.',
};

const me: MeView = {
  user: 'me',
  name: 'Margaret Hamilton',
  status: 'online',
  cause: null,
  since: ago(90),
  chosen: null,
};

function scene(part: Partial<Snapshot>): Snapshot {
  const link: ConnectionView = { state: 'up', since: ago(90) };
  const signals: SignalsView = { exchanges: [], typing: [], back: [], muted: [] };
  const preferences: PreferencesView = { people: [], hide_offline: false, presets: [], notices_off_until: null };
  const language = preferredLanguage(navigator.languages);
  const known = { seq: 1, language, stage: 'running', suggested_name: null, team: null, me, link } as const;
  return { ...known, people: [], problems: [], signals, preferences, ...part };
}

function knockOf(user: string, name: string): ExchangeView {
  const theirs = { mine: false, kind: 'knock', when: 'now', stage: 'delivered' } as const;
  const text = 'Got a minute? It is about the <b>tape</b> drive.';
  return { ...theirs, id: 'k1', with: user, name, text, count: 1, answer: null, failure: null, unheard: false, at: ago(1) };
}

function connecting(part: Partial<Extract<ConnectionView, { state: 'connecting' }>>): ConnectionView {
  return { state: 'connecting', as_of: null, retry_at: null, problem: null, ...part };
}

export const scenes: ReadonlyMap<string, () => Snapshot> = new Map([
  [
    'first',
    () => scene({ stage: 'first_start', suggested_name: 'Margaret Hamilton', me: null, link: { state: 'unset' } }),
  ],
  ['starting', () => scene({ stage: 'starting', suggested_name: 'Margaret', me: null, link: { state: 'unset' } })],
  ['empty', () => scene({})],
  ['eight', () => scene({ people: eight() })],
  [
    'knock',
    () => {
      const people = eight();
      const one = people[0];
      const exchanges: ExchangeView[] = one === undefined ? [] : [knockOf(one.user, one.name)];
      return scene({ people, signals: { exchanges, typing: [one?.user ?? ''], back: [], muted: [] } });
    },
  ],
  ['alone', () => scene({ team: NAME })],
  ['team', () => scene({ people: eight(), team: NAME })],
  [
    'host-away',
    () =>
      scene({
        people: eight().map((one) => ({ ...one, stale: true })),
        team: "Ada's team",
        link: connecting({
          as_of: ago(4),
          retry_at: Date.now() + 40_000,
          problem: {
            code: 'host_asleep',
            message: "Ada Lovelace's computer, which hosts this team, is asleep",
          },
          host: { name: 'Ada Lovelace', cause: 'asleep', since: ago(4) },
        }),
      }),
  ],
  ['demo', () => scene({ people: eight(), stage: 'looking_around', suggested_name: 'Margaret Hamilton' })],
  ['strange', () => scene({ people: strange() })],
  ['crowd', () => scene({ people: crowd(300) })],
  ['connecting', () => scene({ link: connecting({}), me: { ...me, status: 'offline' } })],
  [
    'stale',
    () =>
      scene({
        people: eight().map((one) => ({ ...one, stale: true })),
        link: connecting({ as_of: ago(4), retry_at: Date.now() + 9_000, problem: unreachable }),
      }),
  ],
  [
    'refused',
    () =>
      scene({
        link: {
          state: 'refused',
          as_of: null,
          retry_at: Date.now() + 300_000,
          problem: {
            code: 'bad_credentials',
            message: 'The broker does not know this user name and password. Enter them again in the configuration.',
          },
        },
        me: { ...me, status: 'offline' },
      }),
  ],
  [
    'problems',
    () =>
      scene({
        people: eight(),
        me: {
          ...me,
          status: 'dnd',
          cause: 'chosen',
          chosen: { status: 'dnd', text: 'Writing the flight software', emoji: '🚀', until: ago(-80) },
        },
        problems: [
          {
            code: 'activity_unknown',
            message: 'This desktop does not tell whether anybody is at the keyboard, so you are shown as online.',
          },
          { code: 'hub_port_taken', message: 'Port 1883 is taken, so the hub listens on 41883 instead.' },
        ],
      }),
  ],
  [
    'idle',
    () => scene({ people: eight(), me: { ...me, status: 'away', cause: 'idle', since: ago(31) } }),
  ],
  ['unread', () => Promise.reject({ code: 'gone', message: 'Porchlight is shutting down.' }) as never],
]);
