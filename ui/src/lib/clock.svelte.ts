/**
 * The window's clocks. Wording depends on the day alone, so that is all that most of the window follows: it is read
 * anew whenever something was heard or the window is looked at again, and at midnight, when "14:02" turns into
 * "yesterday 14:02". Only what time it is elsewhere follows the minute, and only the countdown ticks.
 */
import { createSubscriber } from 'svelte/reactivity';

import { midnight, nextMidnight } from './moment';

const MINUTE_MS = 60_000;

export class Calendar {
  /** Midnight before now. It changes once a day, so that no row is worded anew for nothing. */
  today = $state(midnight(Date.now()));

  readonly #minutes = createSubscriber(everyMinute);

  /** The minute that it is. It goes on only while something that is shown reads it, and somebody looks. */
  get minute(): number {
    this.#minutes();
    return Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
  }

  read(): void {
    this.today = midnight(Date.now());
  }

  /** Follows the window being shown and the day ending. Gives what stops it. */
  start(): () => void {
    let timer: ReturnType<typeof setTimeout>;
    const follow = () => {
      clearTimeout(timer);
      if (document.hidden) return;
      this.read();
      // A little later, since timers may be early by less than that.
      timer = setTimeout(follow, nextMidnight(this.today) - Date.now() + 50);
    };
    document.addEventListener('visibilitychange', follow);
    window.addEventListener('focus', follow);
    follow();
    return () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', follow);
      window.removeEventListener('focus', follow);
    };
  }
}

/** Tells of each minute that begins, while somebody looks. Gives what stops it. */
function everyMinute(tell: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const wait = () => {
    // A little later, since timers may be early by less than that.
    timer = setTimeout(step, MINUTE_MS - (Date.now() % MINUTE_MS) + 50);
  };
  const step = () => {
    clearTimeout(timer);
    if (document.hidden) return;
    tell();
    wait();
  };
  document.addEventListener('visibilitychange', step);
  if (!document.hidden) wait();
  return () => {
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', step);
  };
}

/**
 * A clock that ticks each second, for a countdown: only while somebody looks, and only until its moment has come.
 * For use inside `$effect`; gives what stops it.
 */
export function countDown(until: number, tick: (now: number) => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const step = () => {
    clearTimeout(timer);
    if (document.hidden) return;
    const now = Date.now();
    tick(now);
    const left = until - now;
    // On the second of the moment itself, so that the last number shown is 1 and not a stray 0.
    if (left > 0) timer = setTimeout(step, left % 1000 || 1000);
  };
  document.addEventListener('visibilitychange', step);
  step();
  return () => {
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', step);
  };
}
