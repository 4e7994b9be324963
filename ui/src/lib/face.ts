/** Initials and a colour for a person without a picture. Both stay the same from day to day. */

/** The number of `.tint-…` classes in the stylesheet of `Face.svelte`. */
export const TINTS = 12;

const LETTER = /[\p{L}\p{N}]/u;
/** A suffix that is not part of the name: an id that distinguishes two people, or a note such as "(she)". */
const IN_BRACKETS = /\s\(.*$/u;

/** The first letters of the first and the last word, or the first character of a name without letters. */
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

/** A tint by id, so that a new name does not change the colour. The hash is FNV-1a. */
export function tintOf(user: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < user.length; at += 1) {
    hash = Math.imul(hash ^ user.charCodeAt(at), 0x01000193);
  }
  return (hash >>> 0) % TINTS;
}
