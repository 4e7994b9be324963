/**
 * A note is one line to the person who writes it and an emoji beside a text on the wire. This takes the line apart
 * and puts it together again.
 */

export type Note = { text: string | null; emoji: string | null };

/** As many characters as fit a row twice over; a note is not a letter. */
export const NOTE_LIMIT = 80;

const PICTURE = /\p{Extended_Pictographic}|\p{Regional_Indicator}/u;
const characters = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** An emoji in front becomes the note's emoji; the rest is its text. */
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
