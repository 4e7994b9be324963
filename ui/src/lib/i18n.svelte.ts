/**
 * The window's texts: one catalogue in `locales/`, in the current language.
 *
 * Owns the current language. Deliberately knows no person, moment or problem; the modules of words do.
 */
import { FluentBundle, FluentNumber, FluentResource } from '@fluent/bundle';

import dePeople from '../../../locales/de/people.ftl?raw';
import deProblems from '../../../locales/de/problems.ftl?raw';
import deWindow from '../../../locales/de/window.ftl?raw';
import enPeople from '../../../locales/en/people.ftl?raw';
import enWindow from '../../../locales/en/window.ftl?raw';

/** The variables of a message: numbers select plurals, texts are inserted unchanged. */
export type Variables = Readonly<Record<string, string | number>>;

/** The available languages, each by its own name. The first is the fallback for missing messages. */
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

/** Catalogues, each read once: only the current language and the fallback, if it is needed. */
const bundles = new Map<string, FluentBundle>();

/** The person's locale and preferred languages. They do not change while the window is open. */
const PREFERRED = [new Intl.DateTimeFormat().resolvedOptions().locale, ...navigator.languages];

let spoken = $state(preferredLanguage(navigator.languages));
let written = $state(localeOf(preferredLanguage(navigator.languages), PREFERRED));

/** The first preferred language that has a catalogue. */
export function preferredLanguage(languages: readonly string[]): string {
  return languages.map(bare).find((language) => SOURCES.has(language)) ?? FALLBACK;
}

/** Switches the whole window to this language. */
export function setLanguage(language: string): void {
  spoken = language;
  written = localeOf(language, PREFERRED);
  document.documentElement.lang = language;
  document.documentElement.dir = RIGHT_TO_LEFT.has(bare(language)) ? 'rtl' : 'ltr';
}

/** The current language. */
export function language(): string {
  return spoken;
}

/** The locale of dates in the current language. */
export function locale(): string {
  return written;
}

/** The person's locale if it has the same language (`de-AT`), otherwise the language's own. */
export function localeOf(language: string, preferred: readonly string[]): string {
  return preferred.find((tag) => bare(tag) === bare(language)) ?? language;
}

/** A message in the current language. */
export function translate(id: string, variables: Variables = {}): string {
  const said = translateIn(spoken, id, variables) ?? translateIn(FALLBACK, id, variables);
  if (said !== null) return said;
  mistaken(`no message "${id}"`);
  return id;
}

/** A message that only some languages have, if the current one is among them. */
export function translateIfKnown(id: string, variables: Variables = {}): string | null {
  return translateIn(spoken, id, variables);
}

/** A message split around one variable that is more than text: the part before it, and the part after it. */
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
  // Elements isolate names that are alone; isolation characters would be invisible and end up in copied text.
  const bundle = new FluentBundle(language, { useIsolating: false });
  for (const source of sources) {
    for (const mistake of bundle.addResource(new FluentResource(source))) mistaken(mistake.message);
  }
  bundles.set(language, bundle);
  return bundle;
}

/** Reports a mistake in the catalogue or in a call. The window shows the fallback text. */
function mistaken(what: string): void {
  if (import.meta.env.MODE === 'test') throw new Error(what);
}

function bare(tag: string): string {
  return tag.split('-', 1)[0]?.toLowerCase() ?? tag;
}
