/** The choices of the status panel, and how they become requests to the host. */
import type { ChosenStatus, ChosenView, Ends, Preset } from './contract';
import type { Choice } from './host';
import { midnight, nextMidnight } from './moment';
import { formatNote, parseNote } from './status-note';

/** `automatic` means that no status is chosen: the status follows the activity. */
export type Pick = 'automatic' | ChosenStatus;

export const PICKS: readonly Pick[] = ['automatic', 'online', 'away', 'dnd', 'invisible'];

/** How long a choice lasts. `same` keeps the end of the present choice; `at` is a time of day. */
export type Duration = 'open' | '30' | '60' | 'lunch' | 'today' | 'at' | 'same';

export type Draft = {
  pick: Pick;
  line: string;
  duration: Duration;
  /** The time of day for `at`, as in a time field: `15:30`. */
  at: string;
};

/** The draft with which the panel opens: the present choice. */
export function draftOf(chosen: ChosenView | null): Draft {
  if (chosen === null) return { pick: 'automatic', line: '', duration: 'open', at: '' };
  const duration = chosen.until === null ? 'open' : 'same';
  return { pick: chosen.status, line: formatNote(chosen), duration, at: '' };
}

/** Turns the draft into a choice; `null` means none, so the status becomes automatic. */
export function choiceOf(draft: Draft, until: number | null, now: number): Choice | null {
  if (draft.pick === 'automatic') return null;
  return { status: draft.pick, ...parseNote(draft.line), forMinutes: minutesOf(draft, until, now) };
}

/** Turns the draft into a custom status to choose again later. An end at a fixed time is left out. */
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

/** Turns a custom status into a choice that starts now. */
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

/** The host takes whole minutes, so an end may move by less than one minute. */
function minutesTo(until: number, now: number): number {
  return Math.max(1, Math.round((until - now) / 60_000));
}

/** Hour and minute of a time field, if it has a value. */
export function timeOf(text: string): [number, number] | null {
  const found = /^(\d{1,2}):(\d{2})/u.exec(text);
  return found === null ? null : [Number(found[1]), Number(found[2])];
}

/** The next moment at which it is that time of day. */
export function nextTime(hour: number, minute: number, now: number): number {
  const day = new Date(midnight(now));
  const on = (days: number) => new Date(day.getFullYear(), day.getMonth(), day.getDate() + days, hour, minute).getTime();
  return on(0) > now ? on(0) : on(1);
}
