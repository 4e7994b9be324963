/** Initials and a colour for somebody without a picture. Both depend on nothing that changes from day to day. */

/** How many `.tint-…` classes the stylesheet of `Face.svelte` has. */
export const TINTS = 12;

const LETTER = /[\p{L}\p{N}]/u;
/** Behind a name it is no part of it: an id that tells two people apart, or a note such as "(she)". */
const IN_BRACKETS = /\s\(.*$/u;

/** The first letter of the first and of the last word; a name without letters gives its first character. */
export function initials(name: string): string {
  const letters = name
    .replace(IN_BRACKETS, '')
    .split(/\s+/u)
    .map((word) => LETTER.exec(word)?.[0])
    .filter((letter) => letter !== undefined);
  const first = letters[0];
  if (first === undefined) return Array.from(name.trim())[0] ?? '?';
  const last = letters.length > 1 ? letters[letters.length - 1] : '';
  return (first + last).toLocaleUpperCase();
}

/** A tint by id, not by name: renaming oneself does not change one's colour. The hash is FNV-1a. */
export function tintOf(user: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < user.length; at += 1) {
    hash = Math.imul(hash ^ user.charCodeAt(at), 0x01000193);
  }
  return (hash >>> 0) % TINTS;
}
