/**
 * A person's local time, from the time zone that their device publishes.
 *
 * Zones come from strangers: an unknown zone counts as none.
 */
import { clockHands } from './moment';
import { translate } from './i18n.svelte';

export type LocalTime = {
  /** The clock time at their place. */
  time: string;
  /** By how many days their date differs from mine: -1, 0 or 1. */
  days: number;
  /** How many minutes they are ahead of me; negative if they are behind. Never 0. */
  ahead: number;
};

type Zone = {
  /** Minutes ahead of UTC. */
  offset(at: number): number;
  clock(at: number, locale: string): string;
};

const DAY_MS = 86_400_000;

/** Formatters are expensive to create, and a team has few zones. The limit stops a sender of ever new zones. */
const MOST_ZONES = 100;
const zones = new Map<string, Zone | null>();

/** A person's local time, if it differs from mine now. */
export function localTime(tz: string | null, at: number, locale: string): LocalTime | null {
  const zone = tz === null ? null : zoneOf(tz);
  if (zone === null) return null;
  const mine = -new Date(at).getTimezoneOffset();
  const theirs = zone.offset(at);
  if (theirs === mine) return null;
  const time = zone.clock(at, locale);
  return { time, days: dayOf(at, theirs) - dayOf(at, mine), ahead: theirs - mine };
}

/** "Local time 16:02". */
export function localTimeWords({ time }: LocalTime): string {
  return translate('there-now', { time });
}

/** "Local time 16:02, 2 h ahead of you", with the day if it differs. */
export function localTimeInFull({ time: clock, days, ahead }: LocalTime): string {
  const time = days === 0 ? clock : translate(days > 0 ? 'moment-tomorrow' : 'moment-yesterday', { time: clock });
  const span = spanOf(Math.abs(ahead));
  return translate(ahead > 0 ? 'there-ahead' : 'there-behind', { time, span });
}

function spanOf(all: number): string {
  const hours = Math.floor(all / 60);
  const minutes = all % 60;
  if (minutes === 0) return translate('span-hours', { hours });
  return hours === 0 ? translate('span-minutes', { minutes }) : translate('span-hours-minutes', { hours, minutes });
}

/** The number of the day at a place that many minutes ahead of UTC. */
function dayOf(at: number, offset: number): number {
  return Math.floor((at + offset * 60_000) / DAY_MS);
}

function zoneOf(tz: string): Zone | null {
  const known = zones.get(tz);
  if (known !== undefined) return known;
  if (zones.size >= MOST_ZONES) zones.clear();
  const zone = made(tz);
  zones.set(tz, zone);
  return zone;
}

function made(timeZone: string): Zone | null {
  let parts: Intl.DateTimeFormat;
  try {
    parts = new Intl.DateTimeFormat('en-u-ca-gregory-nu-latn', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
    });
  } catch (thrown) {
    if (thrown instanceof RangeError) return null;
    throw thrown;
  }
  const clocks = new Map<string, Intl.DateTimeFormat>();
  return {
    offset(at) {
      const field = Object.fromEntries(parts.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
      const { year = 0, month = 1, day = 1, hour = 0, minute = 0 } = field;
      return Math.round((Date.UTC(year, month - 1, day, hour, minute) - Math.floor(at / 60_000) * 60_000) / 60_000);
    },
    clock(at, locale) {
      let clock = clocks.get(locale);
      if (clock === undefined) {
        clock = new Intl.DateTimeFormat(locale, { timeZone, ...clockHands(locale) });
        clocks.set(locale, clock);
      }
      return clock.format(at);
    },
  };
}
