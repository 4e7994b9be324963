/**
 * The window's texts about people and the connection: pure functions from the contract's types to text.
 *
 * They show only what is known: if a time or a cause is absent, none is invented.
 */
import type {
  Answer,
  Cause,
  ChosenStatus,
  DeviceView,
  Doubt,
  Ends,
  ExchangeView,
  FailureView,
  HostView,
  ConnectionView,
  MeView,
  PersonView,
  Preset,
  Problem,
} from './contract';
import type { Group } from './groups';
import { moment, secondsUntil } from './moment';
import { translate, translateIfKnown } from './i18n.svelte';

/** Words a moment relative to `now`. Tests pass their own locale's. */
type Moment = (at: number, now: number) => string;

/** The name of a status in a menu. */
export function choiceWord(status: 'automatic' | ChosenStatus): string {
  return translate(`choice-${status}`);
}

export function groupWord(group: Group): string {
  return translate(`group-${group}`);
}

/** A status as a word. A custom status is returned unchanged. */
export function statusWord(status: string): string {
  switch (status) {
    case 'online':
    case 'away':
    case 'dnd':
    case 'invisible':
    case 'offline':
      return translate(`status-${status}`);
    default:
      return status;
  }
}

/** A status with its time and its reason, as far as they are known. */
type Reported = { status: string; cause: Cause | null; since: number | null; until?: number | null };

/** Messages about how a person went offline: without a time, and with one. */
const GONE = { left: ['left', 'left-at'], asleep: ['asleep', 'asleep-since'], lost: ['lost', 'lost-at'] } as const;

/** "left 14:02"; null if it is unknown how the person went offline. */
function gone(cause: Cause | null, time: string | null): string | null {
  if (cause !== 'left' && cause !== 'asleep' && cause !== 'lost') return null;
  const [bare, timed] = GONE[cause];
  return time === null ? translate(bare) : translate(timed, { time });
}

/** "away since 14:02, screen locked". Same rule as `words::status_line` in the core; one table tests both. */
export function statusLine(of: Reported, now: number, clock: Moment = moment): string {
  const since = of.since === null ? null : clock(of.since, now);
  const offline = of.status === 'offline' ? gone(of.cause, since) : null;
  if (offline !== null) return offline;
  let status = statusWord(of.status);
  if (of.until != null) status = translate('status-until', { status, time: clock(of.until, now) });
  else if (since !== null) status = translate('status-since', { status, time: since });
  switch (of.cause) {
    case 'unknown':
    case 'idle':
    case 'locked':
    case 'switched':
      return translate('status-because', { status, reason: translate(`reason-${of.cause}`) });
    default:
      return status;
  }
}

/** A person's status as the list shows it. */
export function shownStatus(person: PersonView, now: number, clock: Moment = moment): string {
  if (person.evidence.doubt === 'reconnecting') return translate('reconnecting');
  return capital(statusLine(person, now, clock));
}

/** A name that distinguishes a person from others: "Anna", or "Anna (anna-2)". Mirrors `PersonView::distinct_name`. */
export function distinctName(person: Pick<PersonView, 'name' | 'shown_id'>): string {
  return person.shown_id === undefined ? person.name : `${person.name} (${person.shown_id})`;
}

/** One sentence about a person, for screen readers: "Anna, away since 14:02, inactive". */
export function sentence(person: PersonView, now: number, clock: Moment = moment): string {
  const word = statusWord(person.status);
  const line = statusLine(person, now, clock);
  const parts = [
    distinctName(person),
    // "left 14:02" alone does not name the status.
    line.startsWith(word) ? null : word,
    line,
    noteWords(person),
    isTyping(person) ? translate('is-typing') : null,
    person.in_call && !person.stale ? translate('in-a-call') : null,
    kinds(person),
    person.stale ? translate('not-current') : null,
  ];
  return parts.filter(Boolean).join(', ');
}

/** Hides typing while the connection is down: the person may have stopped long ago. */
export function isTyping(person: PersonView): boolean {
  return person.typing === true && !person.stale;
}

/** The replies to a knock that take one click. */
export const ANSWERS: readonly Answer[] = [{ kind: 'come_in' }, { kind: 'in_5' }, { kind: 'later' }];

/** A reply as a sentence. */
export function answerWords(answer: Answer): string {
  switch (answer.kind) {
    case 'come_in':
      return translate('answer-come-in');
    case 'in_5':
      return translate('answer-in-5');
    case 'later':
      return translate('answer-later');
    case 'text':
      return answer.text;
  }
}

/** A signal in a few words: "You knocked: Coffee?", "Bob waved 👋 × 3". */
export function exchangeTitle(exchange: ExchangeView): string {
  const { mine, name, text, count } = exchange;
  if (exchange.kind === 'wave') {
    const wave = { count, emoji: text ?? '👋' };
    return mine ? translate('i-waved', wave) : translate('waved', { name, ...wave });
  }
  const waits = exchange.stage === 'waiting';
  if (mine) {
    if (text === null) return translate(waits ? 'i-want-to-knock' : 'i-knocked');
    return translate(waits ? 'i-want-to-knock-saying' : 'i-knocked-saying', { text });
  }
  if (text === null) return translate(waits ? 'wants-to-knock' : 'knocked', { name });
  return translate(waits ? 'wants-to-knock-saying' : 'knocked-saying', { name, text });
}

/** The progress of a signal, or why it failed. Empty if there is nothing to show. */
export function exchangeState(exchange: ExchangeView, now: number, clock: Moment = moment): string {
  if (exchange.failure !== null) return failureWords(exchange.failure, now, clock, exchange.name);
  if (exchange.answer !== null) {
    const answer = answerWords(exchange.answer);
    return exchange.mine ? translate('replied', { name: exchange.name, answer }) : translate('i-replied', { answer });
  }
  if (!exchange.mine) {
    if (exchange.stage === 'waiting') return translate('waits-for-both');
    return exchange.stage === 'withdrawn' ? translate('taken-back') : '';
  }
  switch (exchange.stage) {
    case 'waiting':
      return translate(exchange.when === 'back' ? 'waits-for-back' : 'waits-for-both');
    case 'sent':
      return translate(exchange.unheard ? 'sent-unheard' : 'sent');
    case 'sending':
    case 'delivered':
    case 'seen':
      return translate(exchange.stage);
    case 'withdrawn':
      return translate('taken-back');
    case 'failed':
    case 'answered':
      return '';
  }
}

/** Why a signal to the person of this name was not sent. Mirrors `words::failure` of the core. */
export function failureWords(failure: FailureView, now: number, clock: Moment = moment, name = ''): string {
  const words = refusedWords(failure, name);
  if (failure.since === null) return words;
  const time = clock(failure.since, now);
  return `${words} (${gone(failure.cause, time) ?? translate('since', { time })})`;
}

function refusedWords({ code, message }: FailureView, name: string): string {
  return translateIfKnown(`failure-${dashed(code)}`, { name }) ?? message;
}

/** Whether this is somebody's knock that I have not seen yet. */
export function stands(exchange: ExchangeView): boolean {
  return !exchange.mine && exchange.kind === 'knock' && exchange.stage === 'delivered';
}

/** Whether this is somebody's knock that can still be answered. */
export function isToAnswer(exchange: ExchangeView): boolean {
  return !exchange.mine && exchange.kind === 'knock' && (exchange.stage === 'delivered' || exchange.stage === 'seen');
}

/** Whether this signal can be withdrawn. */
export function isToTakeBack(exchange: ExchangeView): boolean {
  if (exchange.kind !== 'knock') return false;
  if (!exchange.mine) return exchange.stage === 'waiting';
  return ['waiting', 'sending', 'sent', 'delivered', 'seen'].includes(exchange.stage);
}

function noteWords(person: PersonView): string | null {
  return [person.emoji, person.text].filter(Boolean).join(' ') || null;
}

/** The kind of a device. An unknown kind is returned unchanged. */
export function kindWord(kind: string | null): string {
  switch (kind) {
    case 'laptop':
    case 'desktop':
    case 'phone':
    case 'tablet':
      return translate(`kind-${kind}`);
    case null:
      return translate('device');
    default:
      return kind;
  }
}

/** A person's kinds of devices, each once; offline ones only if there are no others. */
export function kinds(person: PersonView): string {
  const here = person.devices.filter((device) => device.status !== 'offline');
  const counted = here.length > 0 ? here : person.devices;
  return [...new Set(counted.map((device) => device.kind).filter(Boolean))].map(kindWord).join(', ');
}

/** Every device with its own status, one line each. */
export function deviceLines(devices: readonly DeviceView[], now: number, clock: Moment = moment): string {
  return devices.map((device) => capital(`${kindWord(device.kind)}: ${statusLine(device, now, clock)}`)).join('\n');
}

/** Why a status is shown: the devices, the last message of the deciding one, and how soon a loss would show. */
export function whyLines(person: PersonView, now: number, clock: Moment = moment): string {
  const { heard, loss_shows_within_s: seconds, doubt } = person.evidence;
  const known = [
    heard === null ? null : translate('last-heard', { time: clock(heard, now) }),
    seconds === null ? null : translate('loss-shows-within', { seconds }),
    doubt === null ? null : doubtWords(doubt),
  ];
  const lines = known.filter((line) => line !== null).map((line) => `${capital(line)}.`);
  return [deviceLines(person.devices, now, clock), ...lines].filter(Boolean).join('\n');
}

function doubtWords(doubt: Doubt): string {
  switch (doubt) {
    case 'reconnecting':
      return translate('doubt-reconnecting');
    case 'settling':
      return translate('doubt-settling');
    case 'link_down':
      return translate('doubt-link-down');
  }
}

/** My own status: "Online", "Away since 14:02, inactive", "Do not disturb (until 15:30)". */
export function myStatus(me: MeView, now: number, clock: Moment = moment): string {
  // Online needs no time, and neither does a chosen status; an automatic one does.
  const since = me.chosen === null && me.status !== 'online' ? me.since : null;
  return capital(statusLine({ ...me, since, until: me.chosen?.until ?? null }, now, clock));
}

/** My status while nobody receives it. Offline and invisible stay true in any case. */
export function unsentStatus(me: MeView): string {
  const status = capital(statusWord(me.status));
  return me.status === 'offline' || me.status === 'invisible' ? status : translate('unsent', { status });
}

/** The connection in a few words; the problem's own message appears next to them. */
export function linkWords(link: ConnectionView): string {
  switch (link.state) {
    case 'unset':
      return translate('link-unset');
    case 'connecting':
      return translate(link.retry_at === null && link.problem === null ? 'link-connecting' : 'link-down');
    case 'up':
      return translate('link-up');
    case 'refused':
      return translate('link-down');
    case 'closed':
      return translate('link-closed');
  }
}

/** When the next attempt is: "Trying again in 4 s". Beyond a minute, a clock time is easier to read. */
export function retryWords(link: ConnectionView, now: number, clock: Moment = moment): string {
  if (link.state === 'connecting' && link.retry_at === null) {
    return link.problem === null ? '' : translate('trying-again');
  }
  if (link.state !== 'connecting' && link.state !== 'refused') return '';
  const at = link.retry_at ?? now;
  const seconds = secondsUntil(at, now);
  if (seconds === 0) return translate('trying-again');
  return seconds <= 60 ? translate('trying-again-in', { seconds }) : translate('trying-again-at', { at: clock(at, now) });
}

export function linkProblem(link: ConnectionView): Problem | null {
  return link.state === 'connecting' || link.state === 'refused' ? link.problem : null;
}

/** Messages about why the host is unreachable: without a time, and with one. */
const HOST = {
  asleep: ['host-asleep', 'host-asleep-since'],
  left: ['host-left', 'host-left-at'],
  lost: ['host-lost', 'host-lost-at'],
} as const;

/** "Anna's computer, which hosts this team, has been asleep since 14:02". Mirrors `words::host` of the core. */
export function hostAway(host: HostView, now: number, clock: Moment = moment): string {
  const { name, cause, since } = host;
  const [bare, timed] = cause === 'asleep' || cause === 'left' ? HOST[cause] : HOST.lost;
  return since === null ? translate(bare, { name }) : translate(timed, { name, time: clock(since, now) });
}

/** The team's host, if it is the reason that nobody answers. This is nobody's mistake. */
export function absentHost(link: ConnectionView): HostView | null {
  return link.state === 'connecting' ? (link.host ?? null) : null;
}

/** When the list was last current, while it may be out of date. */
export function asOf(link: ConnectionView): number | null {
  return link.state === 'connecting' || link.state === 'refused' ? link.as_of : null;
}

/** Whether the view is current. Without a broker (`unset`) nothing can be out of date. */
export function isLive(link: ConnectionView): boolean {
  return link.state === 'up' || link.state === 'unset';
}

/** A custom status: its note, otherwise its status. */
export function presetWords(preset: Preset): string {
  return [preset.emoji, preset.text].filter(Boolean).join(' ') || choiceWord(preset.status);
}

/** When a custom status ends, shown next to it. */
export function endWords(ends: Ends): string {
  switch (ends.kind) {
    case 'open':
      return '';
    case 'after':
      return spanWords(ends.minutes);
    case 'lunch':
      return translate('end-lunch');
    case 'today':
      return translate('end-today');
  }
}

/** A number of minutes, in hours if it is a multiple of 60. */
export function spanWords(minutes: number): string {
  return minutes % 60 === 0 ? translate('span-hours', { hours: minutes / 60 }) : translate('span-minutes', { minutes });
}

/** Why a person's activity is unknown, if it is. */
export function unknownWords(person: PersonView): string | null {
  if (person.cause !== 'unknown' && person.evidence.cause !== 'unknown') return null;
  return translate('unknown-explained');
}

/** A problem in the catalogue's words, if it has some; the host's own text is English only. */
export function problemWords(problem: Problem): string | null {
  return translateIfKnown(`problem-${dashed(problem.code)}`);
}

/** A code in the form of message ids. */
function dashed(code: string): string {
  return code.replaceAll('_', '-');
}

/** Capitalizes the first letter: the host's errors begin in lower case. */
export function capital(words: string): string {
  return words.charAt(0).toLocaleUpperCase() + words.slice(1);
}
