/** A QR code's rows as one SVG path. */

/** The width of the quiet zone around the code, in modules (ISO/IEC 18004, section 5.3.8). */
export const QUIET_ZONE = 4;

/** One rectangle for each run of dark modules: fewer shapes than single squares, and no hairlines between them. */
export function outline(rows: readonly string[]): string {
  return rows
    .flatMap((row, y) => Array.from(row.matchAll(/1+/g), ({ 0: run, index }) => `M${index} ${y}h${run.length}v1h-${run.length}z`))
    .join('');
}
