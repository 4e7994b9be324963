/**
 * Moments in words: always a clock time or a date, never "5 minutes ago". So no text on screen becomes wrong with
 * time, and no timer has to correct it.
 *
 * Owns calendars and locales. The present moment is always an argument; only its day affects the words.
 */
import { locale, translate } from './i18n.svelte';

type Words = (at: number, now: number) => string;

/** "09:05" with a 24-hour clock, and "9:05 AM" with a 12-hour clock. */
export function clockHands(locale?: string): Intl.DateTimeFormatOptions {
  const { hour12 } = new Intl.DateTimeFormat(locale, { hour: 'numeric' }).resolvedOptions();
  return { hour: hour12 === true ? 'numeric' : '2-digit', minute: '2-digit' };
}

/** Makes the words of one locale. Formatters are created once: creating one is far more expensive than using it. */
export function momentWords(locale?: string): Words {
  const clock = new Intl.DateTimeFormat(locale, clockHands(locale));
  const weekday = new Intl.DateTimeFormat(locale, { weekday: 'short' });
  const date = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' });
  const fullDate = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', year: 'numeric' });

  return (at, now) => {
    const days = daysBetween(now, at);
    if (days === 0) return clock.format(at);
    if (days === -1) return translate('moment-yesterday', { time: clock.format(at) });
    if (days === 1) return translate('moment-tomorrow', { time: clock.format(at) });
    // Within six days a weekday is unambiguous.
    if (Math.abs(days) < 7) return `${weekday.format(at)} ${clock.format(at)}`;
    const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
    return (sameYear ? date : fullDate).format(at);
  };
}

/** The same for dates without a time: "today", "Monday", "3 Nov". */
export function dayWords(locale?: string): Words {
  const weekday = new Intl.DateTimeFormat(locale, { weekday: 'long' });
  const date = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' });
  const fullDate = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', year: 'numeric' });

  return (at, now) => {
    const days = daysBetween(now, at);
    if (days === 0) return translate('day-today');
    if (days === -1) return translate('day-yesterday');
    if (days === 1) return translate('day-tomorrow');
    if (Math.abs(days) < 7) return weekday.format(at);
    const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
    return (sameYear ? date : fullDate).format(at);
  };
}

/** The moment as the window shows it: "14:02", "yesterday 14:02", "Mon 14:02", "3 Nov". */
export const moment = asSpoken(momentWords);

/** The day of a moment, in the same style. */
export const day = asSpoken(dayWords);

/** Words for the current locale, created once per locale. */
function asSpoken(wordsOf: (locale: string) => Words): Words {
  const made = new Map<string, Words>();
  return (at, now) => {
    const tag = locale();
    const words = made.get(tag) ?? wordsOf(tag);
    made.set(tag, words);
    return words(at, now);
  };
}

/** Whole seconds until a moment, never below zero. */
export function secondsUntil(at: number, now: number): number {
  return Math.max(0, Math.ceil((at - now) / 1000));
}

/** When the day of a moment began, in local time. */
export function midnight(at: number): number {
  const day = new Date(at);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate()).getTime();
}

/** When the day ends, in local time: from then on "14:02" means another day. */
export function nextMidnight(now: number): number {
  const day = new Date(now);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() + 1).getTime();
}

/** Calendar days between two moments. Rounded, because a day may have 23 or 25 hours. */
function daysBetween(from: number, to: number): number {
  return Math.round((midnight(to) - midnight(from)) / 86_400_000);
}
