/** A QR code's rows as one path of an SVG. */

/** How much light there must be around it, in modules (ISO/IEC 18004, section 5.3.8). */
export const QUIET_ZONE = 4;

/** A rectangle for each run of dark modules: fewer and without hairlines, which single squares would have. */
export function outline(rows: readonly string[]): string {
  return rows
    .flatMap((row, y) => Array.from(row.matchAll(/1+/g), ({ 0: run, index }) => `M${index} ${y}h${run.length}v1h-${run.length}z`))
    .join('');
}
