/**
 * The window's clocks. Most wording depends on the day alone, so most of the window follows only the day. It is read
 * again when a message arrives, when the window is shown again, and at midnight, when "14:02" turns into
 * "yesterday 14:02". Only other people's local time follows the minute, and only the countdown ticks.
 */
import { createSubscriber } from 'svelte/reactivity';

import { midnight, nextMidnight } from './moment';

const MINUTE_MS = 60_000;

export class Calendar {
  /** The last midnight. It changes once a day, so rows are not worded again for nothing. */
  today = $state(midnight(Date.now()));

  readonly #minutes = createSubscriber(everyMinute);

  /** The current minute. It advances only while something on screen reads it and the window is visible. */
  get minute(): number {
    this.#minutes();
    return Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
  }

  read(): void {
    this.today = midnight(Date.now());
  }

  /** Updates when the window is shown and when the day ends. Returns a function that stops it. */
  start(): () => void {
    let timer: ReturnType<typeof setTimeout>;
    const follow = () => {
      clearTimeout(timer);
      if (document.hidden) return;
      this.read();
      // A little later, because timers may fire slightly early.
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

/** Calls back at the start of each minute while the window is visible. Returns a function that stops it. */
function everyMinute(tell: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const wait = () => {
    // A little later, because timers may fire slightly early.
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
 * A clock that ticks each second, for a countdown: only while the window is visible, and only until its moment.
 * For use inside `$effect`; returns a function that stops it.
 */
export function countDown(until: number, tick: (now: number) => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const step = () => {
    clearTimeout(timer);
    if (document.hidden) return;
    const now = Date.now();
    tick(now);
    const left = until - now;
    // Ticks align with the target moment, so that the last number shown is 1 and not a stray 0.
    if (left > 0) timer = setTimeout(step, left % 1000 || 1000);
  };
  document.addEventListener('visibilitychange', step);
  step();
  return () => {
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', step);
  };
}
