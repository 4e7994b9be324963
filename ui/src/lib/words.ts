/**
 * Everything the window says about people and the connection: pure functions from the contract's types to text.
 *
 * Says what is known and no more: where a time or a cause is absent, none is made up.
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

/** How a moment reads at `now`. Tests pass their own locale's. */
type Moment = (at: number, now: number) => string;

/** A status that can be chosen, as a menu says it. */
export function choiceWord(status: 'automatic' | ChosenStatus): string {
  return translate(`choice-${status}`);
}

export function groupWord(group: Group): string {
  return translate(`group-${group}`);
}

/** A status as a word. What is none of ours is the person's own and is given back as it is. */
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

/** A status, and what is known of it. */
type Reported = { status: string; cause: Cause | null; since: number | null; until?: number | null };

/** How somebody went offline: without a moment, and with one. */
const GONE = { left: ['left', 'left-at'], asleep: ['asleep', 'asleep-since'], lost: ['lost', 'lost-at'] } as const;

/** "left 14:02"; null where it is not known how somebody went. */
function gone(cause: Cause | null, time: string | null): string | null {
  if (cause !== 'left' && cause !== 'asleep' && cause !== 'lost') return null;
  const [bare, timed] = GONE[cause];
  return time === null ? translate(bare) : translate(timed, { time });
}

/** "away since 14:02, screen locked". The rule is that of `words::status_line` in the core, and one table tests both. */
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

/** What the list shows of a person's status. */
export function shownStatus(person: PersonView, now: number, clock: Moment = moment): string {
  if (person.evidence.doubt === 'reconnecting') return translate('reconnecting');
  return capital(statusLine(person, now, clock));
}

/** What to call somebody so that nobody takes them for another: "Anna", or "Anna (anna-2)". Mirrors `PersonView::distinct_name`. */
export function distinctName(person: Pick<PersonView, 'name' | 'shown_id'>): string {
  return person.shown_id === undefined ? person.name : `${person.name} (${person.shown_id})`;
}

/** One sentence for a person, as a screen reader says it: "Anna, away since 14:02, inactive". */
export function sentence(person: PersonView, now: number, clock: Moment = moment): string {
  const word = statusWord(person.status);
  const line = statusLine(person, now, clock);
  const parts = [
    distinctName(person),
    // "left 14:02" alone is not the status.
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

/** Typing is of this moment. Whoever was typing when the connection went may have stopped long ago. */
export function isTyping(person: PersonView): boolean {
  return person.typing === true && !person.stale;
}

/** What can be answered with one click. */
export const ANSWERS: readonly Answer[] = [{ kind: 'come_in' }, { kind: 'in_5' }, { kind: 'later' }];

/** An answer as a sentence. */
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

/** What an exchange is, in a few words: "You knocked: Coffee?", "Bob waved 👋 × 3". */
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

/** How far an exchange has come, or why it came no further. Empty where there is nothing to say. */
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

/** Why something was not sent to whoever has that name. Mirrors `words::failure` of the core. */
export function failureWords(failure: FailureView, now: number, clock: Moment = moment, name = ''): string {
  const words = refusedWords(failure, name);
  if (failure.since === null) return words;
  const time = clock(failure.since, now);
  return `${words} (${gone(failure.cause, time) ?? translate('since', { time })})`;
}

function refusedWords({ code, message }: FailureView, name: string): string {
  return translateIfKnown(`failure-${dashed(code)}`, { name }) ?? message;
}

/** Whether it is somebody's knock that nobody saw yet. */
export function stands(exchange: ExchangeView): boolean {
  return !exchange.mine && exchange.kind === 'knock' && exchange.stage === 'delivered';
}

/** Whether it is somebody's knock that can still be answered. */
export function isToAnswer(exchange: ExchangeView): boolean {
  return !exchange.mine && exchange.kind === 'knock' && (exchange.stage === 'delivered' || exchange.stage === 'seen');
}

/** Whether it can be taken back. */
export function isToTakeBack(exchange: ExchangeView): boolean {
  if (exchange.kind !== 'knock') return false;
  if (!exchange.mine) return exchange.stage === 'waiting';
  return ['waiting', 'sending', 'sent', 'delivered', 'seen'].includes(exchange.stage);
}

function noteWords(person: PersonView): string | null {
  return [person.emoji, person.text].filter(Boolean).join(' ') || null;
}

/** What a device is. A kind that is none of ours is given back as it is. */
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

/** What a person's devices are, each kind once; those that are offline only if nothing else is left. */
export function kinds(person: PersonView): string {
  const here = person.devices.filter((device) => device.status !== 'offline');
  const counted = here.length > 0 ? here : person.devices;
  return [...new Set(counted.map((device) => device.kind).filter(Boolean))].map(kindWord).join(', ');
}

/** Every device with its own status, a line each. */
export function deviceLines(devices: readonly DeviceView[], now: number, clock: Moment = moment): string {
  return devices.map((device) => capital(`${kindWord(device.kind)}: ${statusLine(device, now, clock)}`)).join('\n');
}

/** Why a status is shown: the devices, when the deciding one was last heard from, and how soon you would see that it is gone. */
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
  // Being online needs no time, and neither does what I chose; what came by itself does.
  const since = me.chosen === null && me.status !== 'online' ? me.since : null;
  return capital(statusLine({ ...me, since, until: me.chosen?.until ?? null }, now, clock));
}

/** My status while it reaches nobody. That I am offline or invisible is so in any case. */
export function unsentStatus(me: MeView): string {
  const status = capital(statusWord(me.status));
  return me.status === 'offline' || me.status === 'invisible' ? status : translate('unsent', { status });
}

/** The connection in a few words; the problem's own message stands beside them. */
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

/** What the connection waits for: "Trying again in 4 s". Past a minute a clock time is easier to wait for. */
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

/** Why the host is not there: without a moment, and with one. */
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

/** The computer at which the team meets, while it is why nobody answers: nothing that anybody did wrong. */
export function absentHost(link: ConnectionView): HostView | null {
  return link.state === 'connecting' ? (link.host ?? null) : null;
}

/** When the list was last true, while it may not be. */
export function asOf(link: ConnectionView): number | null {
  return link.state === 'connecting' || link.state === 'refused' ? link.as_of : null;
}

/** Whether what is shown is so now. Without a broker (`unset`) there is nothing that could have gone stale. */
export function isLive(link: ConnectionView): boolean {
  return link.state === 'up' || link.state === 'unset';
}

/** A status of one's own: its note, else its status. */
export function presetWords(preset: Preset): string {
  return [preset.emoji, preset.text].filter(Boolean).join(' ') || choiceWord(preset.status);
}

/** When a status of one's own ends, beside it. */
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

/** So many minutes: in whole hours where they are some. */
export function spanWords(minutes: number): string {
  return minutes % 60 === 0 ? translate('span-hours', { hours: minutes / 60 }) : translate('span-minutes', { minutes });
}

/** Why nobody can say whether somebody is at the keyboard, where that is so. */
export function unknownWords(person: PersonView): string | null {
  if (person.cause !== 'unknown' && person.evidence.cause !== 'unknown') return null;
  return translate('unknown-explained');
}

/** What is wrong and what to do, where the catalogue knows it in words of its own: the host says it in English alone. */
export function problemWords(problem: Problem): string | null {
  return translateIfKnown(`problem-${dashed(problem.code)}`);
}

/** A code as the ids of messages have it. */
function dashed(code: string): string {
  return code.replaceAll('_', '-');
}

/** The first letter large: what the host says begins small, as errors do there. */
export function capital(words: string): string {
  return words.charAt(0).toLocaleUpperCase() + words.slice(1);
}
