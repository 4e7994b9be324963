/** What the status panel offers, and how a choice on the screen becomes one for the host. */
import type { ChosenStatus, ChosenView } from './contract';
import type { Choice } from './host';
import { lineOf, noteOf } from './note';

/** `automatic` is the absence of a choice: the status follows the keyboard. */
export type Pick = 'automatic' | ChosenStatus;

export const PICKS: readonly Pick[] = ['automatic', 'online', 'away', 'dnd', 'invisible'];

/** How long a choice holds. `same` keeps the end that the present choice has. */
export type Duration = 'open' | '30' | '60' | '240' | 'same';

export type Draft = { pick: Pick; line: string; duration: Duration };

/** The panel as it opens: what holds now. */
export function draftOf(chosen: ChosenView | null): Draft {
  if (chosen === null) return { pick: 'automatic', line: '', duration: 'open' };
  return { pick: chosen.status, line: lineOf(chosen), duration: chosen.until === null ? 'open' : 'same' };
}

/** The draft as a choice; `null` means none, so the status becomes automatic. */
export function choiceOf(draft: Draft, until: number | null, now: number): Choice | null {
  if (draft.pick === 'automatic') return null;
  return { status: draft.pick, ...noteOf(draft.line), forMinutes: minutesOf(draft.duration, until, now) };
}

function minutesOf(duration: Duration, until: number | null, now: number): number | null {
  switch (duration) {
    case 'open':
      return null;
    case 'same':
      // The host takes minutes, so an end that is kept may move by less than one.
      return until === null ? null : Math.max(1, Math.round((until - now) / 60_000));
    default:
      return Number(duration);
  }
}
