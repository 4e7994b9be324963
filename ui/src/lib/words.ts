/**
 * Everything the window says about people and the connection: pure functions from the contract's types to text.
 *
 * Says what is known and no more: where a time or a cause is absent, none is made up.
 */
import type {
  Answer,
  CauseView,
  ChosenStatus,
  DeviceView,
  Doubt,
  Ends,
  ExchangeView,
  FailureView,
  HostView,
  LinkView,
  MeView,
  PersonView,
  Preset,
  Problem,
} from './contract';
import type { Group } from './groups';
import { moment, secondsUntil } from './moment';

/** How a moment reads at `now`. Tests pass their own locale's. */
type Moment = (at: number, now: number) => string;

export const STATUS_WORDS: Record<ChosenStatus, string> = {
  online: 'Online',
  away: 'Away',
  dnd: 'Do not disturb',
  invisible: 'Invisible',
};

export const GROUP_WORDS: Record<Group, string> = { favourites: 'Favourites', here: 'Here', away: 'Away', offline: 'Offline' };

/** A status as a word. What is none of ours is the person's own and is given back as it is. */
export function statusWord(status: string): string {
  switch (status) {
    case 'online':
      return 'online';
    case 'away':
      return 'away';
    case 'dnd':
      return 'do not disturb';
    case 'offline':
      return 'offline';
    default:
      return status;
  }
}

/** Beside a note there is no room to repeat what the glyph shows; the time is what is left to say. */
export function briefly(person: PersonView, now: number, say: Moment = moment): string {
  if (person.evidence.doubt === 'reconnecting') return 'reconnecting';
  const noted = person.text !== null || person.emoji !== null;
  if (noted && person.until !== null) return `until ${say(person.until, now)}`;
  if (noted && person.cause === 'chosen' && person.since !== null) return `since ${say(person.since, now)}`;
  return evidence(person, now, say);
}

type Standing = { status: string; cause: CauseView | null; since: number | null; until?: number | null };

/**
 * Why and since when, in the fewest words that hold, to stand beside a glyph: "no input since 14:02". Never empty:
 * where nothing more is known it is the status itself.
 */
export function evidence(of: Standing, now: number, say: Moment = moment): string {
  const at = of.since === null ? null : say(of.since, now);
  const since = at === null ? '' : ` since ${at}`;
  if (of.until != null) return `${statusWord(of.status)} until ${say(of.until, now)}`;
  switch (of.cause) {
    case 'unknown':
      return `online${since} — activity unknown`;
    case 'idle':
      return `no input${since}`;
    case 'locked':
      return `locked${since}`;
    case 'switched':
      return `in another session${since}`;
    case 'left':
      return at === null ? 'left' : `left ${at}`;
    case 'asleep':
      return `asleep${since}`;
    case 'lost':
      return at === null ? 'connection lost' : `connection lost ${at}`;
    case 'chosen':
    case null:
      break;
  }
  const bare = of.cause === null && (of.status === 'online' || of.status === 'offline') && at !== null;
  return bare ? `since ${at}` : `${statusWord(of.status)}${since}`;
}

/** One sentence for a person, as a screen reader says it: "Anna, away, no input since 14:02". */
export function sentence(person: PersonView, shared: boolean, now: number, say: Moment = moment): string {
  const word = statusWord(person.status);
  const why = evidence(person, now, say);
  const parts = [
    shared ? `${person.name} (${person.user})` : person.name,
    // "away, away until 15:30" would say it twice.
    why.startsWith(word) ? null : word,
    why,
    noteWords(person),
    isTyping(person) ? 'typing' : null,
    person.in_call && !person.stale ? 'in a call' : null,
    kinds(person),
    person.stale ? 'not current' : null,
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
      return 'Come in';
    case 'in_5':
      return 'In 5 minutes';
    case 'later':
      return 'Later';
    case 'text':
      return answer.text;
  }
}

/** What an exchange is, in a few words: "You knocked: Coffee?", "Bob waved 👋 × 3". */
export function exchangeTitle(exchange: ExchangeView): string {
  const who = exchange.mine ? 'You' : exchange.name;
  if (exchange.kind === 'wave') {
    const times = exchange.count > 1 ? ` × ${exchange.count}` : '';
    return `${who} waved ${exchange.text ?? '👋'}${times}`;
  }
  const verb = exchange.stage === 'waiting' ? (exchange.mine ? 'want to knock' : 'wants to knock') : 'knocked';
  return exchange.text === null ? `${who} ${verb}` : `${who} ${verb}: ${exchange.text}`;
}

/** How far an exchange has come, or why it came no further. Empty where there is nothing to say. */
export function exchangeState(exchange: ExchangeView, now: number, say: Moment = moment): string {
  if (exchange.failure !== null) return failureWords(exchange.failure, now, say);
  if (exchange.answer !== null) {
    const answer = answerWords(exchange.answer);
    return exchange.mine ? `${exchange.name}: ${answer}` : `You: ${answer}`;
  }
  if (!exchange.mine) {
    if (exchange.stage === 'waiting') return 'waits until you are both free';
    return exchange.stage === 'withdrawn' ? 'taken back' : '';
  }
  switch (exchange.stage) {
    case 'waiting':
      return exchange.when === 'back' ? 'waits until they are here' : 'waits until you are both free';
    case 'sending':
      return 'sending…';
    case 'sent':
      return exchange.unheard ? 'sent, but no device of theirs has it' : 'sent';
    case 'delivered':
      return 'delivered';
    case 'seen':
      return 'seen';
    case 'withdrawn':
      return 'taken back';
    case 'failed':
    case 'answered':
      return '';
  }
}

/** Why something was not sent. Mirrors `words::failure` of the core. */
export function failureWords(failure: FailureView, now: number, say: Moment = moment): string {
  const words: Partial<Record<CauseView, string>> = { left: 'left', asleep: 'asleep since', lost: 'connection lost' };
  const word = (failure.cause === null ? undefined : words[failure.cause]) ?? 'since';
  return failure.since === null ? failure.message : `${failure.message} (${word} ${say(failure.since, now)})`;
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

/** What a person's devices are, each kind once; those that are offline only if nothing else is left. */
export function kinds(person: PersonView): string {
  const here = person.devices.filter((device) => device.status !== 'offline');
  const counted = here.length > 0 ? here : person.devices;
  return [...new Set(counted.map((device) => device.kind).filter(Boolean))].join(', ');
}

/** Every device with its own evidence, a line each: what the dot is made of. */
export function deviceLines(devices: readonly DeviceView[], now: number, say: Moment = moment): string {
  return devices
    .map((device) => {
      const word = statusWord(device.status);
      const why = evidence(device, now, say);
      return `${device.kind ?? 'device'}: ${why.startsWith(word) ? why : `${word}, ${why}`}`;
    })
    .join('\n');
}

/** What the dot is believed on: the devices, when the deciding one was last heard of, and how soon a loss would show. */
export function whyLines(person: PersonView, now: number, say: Moment = moment): string {
  const { heard, loss_shows_within_s: within, doubt } = person.evidence;
  const known = [
    heard === null ? null : `last message ${say(heard, now)}`,
    within === null ? null : `a loss would show within ${within}\u00a0s`,
    doubt === null ? null : DOUBTS[doubt],
  ];
  return [deviceLines(person.devices, now, say), known.filter(Boolean).join('; ')].filter(Boolean).join('\n');
}

const DOUBTS: Record<Doubt, string> = {
  reconnecting: 'its connection broke; it has a few seconds to come back',
  settling: 'we have only just reconnected; this is from before',
  link_down: 'we are not connected; this is from before',
};

/** My own status: "Online", "Away since 14:02 — no input", "Do not disturb until 15:30". */
export function myStatus(me: MeView, now: number, say: Moment = moment): string {
  const word = capital(statusWord(me.status));
  if (me.chosen !== null) {
    return me.chosen.until === null ? word : `${word} until ${say(me.chosen.until, now)}`;
  }
  const reasons: Partial<Record<CauseView, string>> = {
    unknown: 'activity unknown',
    idle: 'no input',
    locked: 'locked',
    switched: 'in another session',
    asleep: 'asleep',
    lost: 'connection lost',
  };
  const reason = me.cause === null ? undefined : reasons[me.cause];
  // Being online needs no date; being anything else does.
  const since = me.since === null || me.status === 'online' ? '' : ` since ${say(me.since, now)}`;
  return `${word}${since}${reason === undefined ? '' : ` — ${reason}`}`;
}

/** The connection in a few words; the problem's own message stands beside them. */
export function linkWords(link: LinkView): string {
  switch (link.state) {
    case 'unset':
      return 'Not set up to connect yet.';
    case 'connecting':
      return link.retry_at === null && link.problem === null ? 'Connecting…' : 'Not connected.';
    case 'up':
      return 'Connected.';
    case 'refused':
      return 'Not connected.';
    case 'closed':
      return 'Signed off.';
  }
}

/** What the connection waits for: "Trying again in 4 s". Past a minute a clock time is easier to wait for. */
export function retryWords(link: LinkView, now: number, say: Moment = moment): string {
  if (link.state === 'connecting' && link.retry_at === null) {
    return link.problem === null ? '' : 'Trying again…';
  }
  if (link.state !== 'connecting' && link.state !== 'refused') return '';
  const at = link.retry_at ?? now;
  const seconds = secondsUntil(at, now);
  if (seconds === 0) return 'Trying again…';
  return seconds <= 60 ? `Trying again in ${seconds} s` : `Trying again at ${say(at, now)}`;
}

export function linkProblem(link: LinkView): Problem | null {
  return link.state === 'connecting' || link.state === 'refused' ? link.problem : null;
}

/** "Anna's computer, which hosts this team, is asleep since 14:02". Mirrors `words::host` of the core. */
export function hostAway(host: HostView, now: number, say: Moment = moment): string {
  const at = (word: string) => (host.since === null ? '' : ` ${word} ${say(host.since, now)}`);
  const happened: Partial<Record<CauseView, string>> = {
    asleep: `is asleep${at('since')}`,
    left: `was switched off or quit Porchlight${at('at')}`,
  };
  return `${host.name}'s computer, which hosts this team, ${happened[host.cause] ?? `lost its connection${at('at')}`}`;
}

/** The computer at which the team meets, while it is why nobody answers: nothing that anybody did wrong. */
export function absentHost(link: LinkView): HostView | null {
  return link.state === 'connecting' ? (link.host ?? null) : null;
}

/** When the list was last true, while it may not be. */
export function asOf(link: LinkView): number | null {
  return link.state === 'connecting' || link.state === 'refused' ? link.as_of : null;
}

/** Whether what is shown is so now. Without a broker (`unset`) there is nothing that could have gone stale. */
export function isLive(link: LinkView): boolean {
  return link.state === 'up' || link.state === 'unset';
}

/** A status of one's own: its note, else its status. */
export function presetWords(preset: Preset): string {
  return [preset.emoji, preset.text].filter(Boolean).join(' ') || STATUS_WORDS[preset.status];
}

/** When a status of one's own ends, beside it. */
export function endWords(ends: Ends): string {
  switch (ends.kind) {
    case 'open':
      return '';
    case 'after':
      return ends.minutes % 60 === 0 ? `${ends.minutes / 60} h` : `${ends.minutes} min`;
    case 'lunch':
      return 'until lunch';
    case 'today':
      return 'today';
  }
}

/** Why nobody can say whether somebody is at the keyboard, where that is so. */
export function unknownWords(person: PersonView): string | null {
  if (person.cause !== 'unknown' && person.evidence.cause !== 'unknown') return null;
  return 'Their computer is on and connected, but nothing on it tells whether somebody is at it. So they may be there or not.';
}

/** When somebody was last seen, where they are not here now. */
export function lastSeen(person: PersonView, now: number, say: Moment = moment): string | null {
  if (person.status !== 'offline') return null;
  const at = person.evidence.heard ?? person.since;
  return at === null ? null : `Last heard of ${say(at, now)}.`;
}

export function peopleCount(count: number): string {
  return count === 1 ? '1 person' : `${count} people`;
}

/** The first letter large: what the host says begins small, as errors do there. */
export function capital(words: string): string {
  return words.charAt(0).toLocaleUpperCase() + words.slice(1);
}
