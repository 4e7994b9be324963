/**
 * The words of the window: one catalogue in `locales/`, in the language that is spoken.
 *
 * Owns which language that is. Deliberately knows no person, moment or problem; the modules of words do.
 */
import { FluentBundle, FluentNumber, FluentResource } from '@fluent/bundle';

import dePeople from '../../../locales/de/people.ftl?raw';
import deProblems from '../../../locales/de/problems.ftl?raw';
import deWindow from '../../../locales/de/window.ftl?raw';
import enPeople from '../../../locales/en/people.ftl?raw';
import enWindow from '../../../locales/en/window.ftl?raw';

/** The variables of a message: numbers decide its plurals, texts are in it as they are. */
export type Variables = Readonly<Record<string, string | number>>;

/** The languages there are words in, each by its own name. The first says what another has no word for. */
export const LANGUAGES = [
  ['en', 'English'],
  ['de', 'Deutsch'],
] as const;

const FALLBACK = LANGUAGES[0][0];

const SOURCES: ReadonlyMap<string, readonly string[]> = new Map([
  ['en', [enPeople, enWindow]],
  ['de', [dePeople, deWindow, deProblems]],
]);

/** Languages that are written from right to left. */
const RIGHT_TO_LEFT = new Set(['ar', 'ckb', 'dv', 'fa', 'he', 'ps', 'sd', 'ug', 'ur', 'yi']);

/** Read once, and only if it is spoken or something is missing in what is. */
const bundles = new Map<string, FluentBundle>();

/** The person's own locale, and the languages that they prefer. Neither is another while the window is open. */
const PREFERRED = [new Intl.DateTimeFormat().resolvedOptions().locale, ...navigator.languages];

let spoken = $state(preferredLanguage(navigator.languages));
let written = $state(localeOf(preferredLanguage(navigator.languages), PREFERRED));

/** The first of a person's languages that there are words in. */
export function preferredLanguage(languages: readonly string[]): string {
  return languages.map(bare).find((language) => SOURCES.has(language)) ?? FALLBACK;
}

/** From here on all of the window is in this language. */
export function setLanguage(language: string): void {
  spoken = language;
  written = localeOf(language, PREFERRED);
  document.documentElement.lang = language;
  document.documentElement.dir = RIGHT_TO_LEFT.has(bare(language)) ? 'rtl' : 'ltr';
}

/** The language that is spoken. */
export function language(): string {
  return spoken;
}

/** How dates are written in the language that is spoken. */
export function locale(): string {
  return written;
}

/** As the person has them, where that is in the same language (`de-AT`); else as that language has them. */
export function localeOf(language: string, preferred: readonly string[]): string {
  return preferred.find((tag) => bare(tag) === bare(language)) ?? language;
}

/** A message in the language that is spoken. */
export function translate(id: string, variables: Variables = {}): string {
  const said = translateIn(spoken, id, variables) ?? translateIn(FALLBACK, id, variables);
  if (said !== null) return said;
  mistaken(`no message "${id}"`);
  return id;
}

/** A message that only some languages have, where the one that is spoken is one of them. */
export function translateIfKnown(id: string, variables: Variables = {}): string | null {
  return translateIn(spoken, id, variables);
}

/** A message around one of its words, for a word that is more than text: what stands before it, and what behind. */
export function splitAround(id: string, word: string): [string, string] {
  const [before = '', behind = ''] = translate(id, { [word]: '\0' }).split('\0');
  return [before, behind];
}

function translateIn(language: string, id: string, variables: Variables): string | null {
  const bundle = bundleOf(bare(language));
  const pattern = bundle?.getMessage(id)?.value;
  if (bundle === null || pattern == null) return null;
  const mistakes: Error[] = [];
  const said = bundle.formatPattern(pattern, counted(variables), mistakes);
  for (const mistake of mistakes) mistaken(`message "${id}": ${mistake.message}`);
  return said;
}

/** Numbers are short here; without this, ten thousand would have a comma in it. */
function counted(variables: Variables): Record<string, string | FluentNumber> {
  const counted: Record<string, string | FluentNumber> = {};
  for (const [name, value] of Object.entries(variables)) {
    counted[name] = typeof value === 'number' ? new FluentNumber(value, { useGrouping: false }) : value;
  }
  return counted;
}

function bundleOf(language: string): FluentBundle | null {
  const known = bundles.get(language);
  if (known !== undefined) return known;
  const sources = SOURCES.get(language);
  if (sources === undefined) return null;
  // Names that stand alone are isolated by elements, which an eye cannot see and a copied text does not keep.
  const bundle = new FluentBundle(language, { useIsolating: false });
  for (const source of sources) {
    for (const mistake of bundle.addResource(new FluentResource(source))) mistaken(mistake.message);
  }
  bundles.set(language, bundle);
  return bundle;
}

/** A mistake in the catalogue, or in who asks it. Whoever uses the window sees the next best words. */
function mistaken(what: string): void {
  if (import.meta.env.MODE === 'test') throw new Error(what);
}

function bare(tag: string): string {
  return tag.split('-', 1)[0]?.toLowerCase() ?? tag;
}
