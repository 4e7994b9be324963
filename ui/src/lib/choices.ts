/** What the status panel offers, and how a choice on the screen becomes one for the host. */
import type { ChosenStatus, ChosenView, Ends, Preset } from './contract';
import type { Choice } from './host';
import { midnight, nextMidnight } from './moment';
import { formatNote, parseNote } from './status-note';

/** `automatic` is the absence of a choice: the status follows the keyboard. */
export type Pick = 'automatic' | ChosenStatus;

export const PICKS: readonly Pick[] = ['automatic', 'online', 'away', 'dnd', 'invisible'];

/** How long a choice holds. `same` keeps the end that the present choice has; `at` is a time of day. */
export type Duration = 'open' | '30' | '60' | 'lunch' | 'today' | 'at' | 'same';

export type Draft = {
  pick: Pick;
  line: string;
  duration: Duration;
  /** The time of day for `at`, as a time field has it: `15:30`. */
  at: string;
};

/** The panel as it opens: what holds now. */
export function draftOf(chosen: ChosenView | null): Draft {
  if (chosen === null) return { pick: 'automatic', line: '', duration: 'open', at: '' };
  const duration = chosen.until === null ? 'open' : 'same';
  return { pick: chosen.status, line: formatNote(chosen), duration, at: '' };
}

/** The draft as a choice; `null` means none, so the status becomes automatic. */
export function choiceOf(draft: Draft, until: number | null, now: number): Choice | null {
  if (draft.pick === 'automatic') return null;
  return { status: draft.pick, ...parseNote(draft.line), forMinutes: minutesOf(draft, until, now) };
}

/** The draft as a status of one's own, to be chosen again. What ends at one moment has nothing to be kept of that. */
export function presetOf(draft: Draft): Preset | null {
  if (draft.pick === 'automatic') return null;
  const kept: Partial<Record<Duration, Ends>> = {
    '30': { kind: 'after', minutes: 30 },
    '60': { kind: 'after', minutes: 60 },
    lunch: { kind: 'lunch' },
    today: { kind: 'today' },
  };
  return { status: draft.pick, ...parseNote(draft.line), ends: kept[draft.duration] ?? { kind: 'open' } };
}

/** A status of one's own, chosen now. */
export function choiceOfPreset({ status, text, emoji, ends }: Preset, now: number): Choice {
  return { status, text, emoji, forMinutes: minutesOfEnds(ends, now) };
}

function minutesOfEnds(ends: Ends, now: number): number | null {
  switch (ends.kind) {
    case 'open':
      return null;
    case 'after':
      return ends.minutes;
    case 'lunch':
      return minutesTo(nextTime(12, 0, now), now);
    case 'today':
      return minutesTo(nextMidnight(now), now);
  }
}

function minutesOf({ duration, at }: Draft, until: number | null, now: number): number | null {
  switch (duration) {
    case 'open':
      return null;
    case 'same':
      return until === null ? null : minutesTo(until, now);
    case 'lunch':
    case 'today':
      return minutesOfEnds({ kind: duration }, now);
    case 'at': {
      const time = timeOf(at);
      return time === null ? null : minutesTo(nextTime(...time, now), now);
    }
    default:
      return Number(duration);
  }
}

/** The host takes minutes, so an end may move by less than one. */
function minutesTo(until: number, now: number): number {
  return Math.max(1, Math.round((until - now) / 60_000));
}

/** Hour and minute of a time field, where something is in it. */
export function timeOf(text: string): [number, number] | null {
  const found = /^(\d{1,2}):(\d{2})/u.exec(text);
  return found === null ? null : [Number(found[1]), Number(found[2])];
}

/** When it will be that time of day next. */
export function nextTime(hour: number, minute: number, now: number): number {
  const day = new Date(midnight(now));
  const on = (days: number) => new Date(day.getFullYear(), day.getMonth(), day.getDate() + days, hour, minute).getTime();
  return on(0) > now ? on(0) : on(1);
}
