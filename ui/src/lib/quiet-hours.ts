/** Quiet hours as two time fields have them, and as one text. */

export type QuietHours = { from: string; to: string };

/** What to offer to whoever wants some and has none. */
export const DEFAULT_QUIET_HOURS: QuietHours = { from: '22:00', to: '07:00' };

export function parseQuietHours(text: string | null): QuietHours | null {
  const found = /^(\d\d:\d\d)-(\d\d:\d\d)$/u.exec(text ?? '');
  return found?.[1] === undefined || found[2] === undefined ? null : { from: found[1], to: found[2] };
}

export function formatQuietHours(quiet: QuietHours | null): string | null {
  return quiet === null ? null : `${quiet.from}-${quiet.to}`;
}
