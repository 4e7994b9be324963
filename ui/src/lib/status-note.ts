/**
 * Converts status notes: a person writes one line, and on the wire a note is an emoji and a text.
 */

export type Note = { text: string | null; emoji: string | null };

/** The maximum length, in characters: about twice what fits in a row. */
export const NOTE_LIMIT = 80;

const PICTURE = /\p{Extended_Pictographic}|\p{Regional_Indicator}/u;
const characters = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** A leading emoji becomes the note's emoji; the rest is its text. */
export function parseNote(line: string): Note {
  const trimmed = line.trim();
  const [first] = characters.segment(trimmed);
  if (first === undefined) return { text: null, emoji: null };
  if (!PICTURE.test(first.segment)) return { text: trimmed, emoji: null };
  return { text: trimmed.slice(first.segment.length).trim() || null, emoji: first.segment };
}

export function formatNote(note: Note): string {
  return [note.emoji, note.text].filter(Boolean).join(' ');
}
