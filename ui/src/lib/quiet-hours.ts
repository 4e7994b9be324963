/** Converts quiet hours between two time fields and one text. */

export type QuietHours = { from: string; to: string };

/** The default for a person who turns quiet hours on. */
export const DEFAULT_QUIET_HOURS: QuietHours = { from: '22:00', to: '07:00' };

export function parseQuietHours(text: string | null): QuietHours | null {
  const found = /^(\d\d:\d\d)-(\d\d:\d\d)$/u.exec(text ?? '');
  return found?.[1] === undefined || found[2] === undefined ? null : { from: found[1], to: found[2] };
}

export function formatQuietHours(quiet: QuietHours | null): string | null {
  return quiet === null ? null : `${quiet.from}-${quiet.to}`;
}
