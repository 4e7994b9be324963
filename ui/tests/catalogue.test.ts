/** The catalogue as a whole: complete in each language, used, and ready for each problem that the host may tell of. */
import { FluentResource } from '@fluent/bundle';
import { describe, expect, it } from 'vitest';

type Entry = { id: string; value: unknown };

/** Files as texts, by their paths. */
const FTL = import.meta.glob<string>('../../locales/*/{people,window,problems}.ftl', {
  query: '?raw',
  import: 'default',
  eager: true,
});
const SOURCES = import.meta.glob<string>('../src/**/*.{ts,svelte}', { query: '?raw', import: 'default', eager: true });
const RUST = import.meta.glob<string>(
  [
    '../../src-tauri/src/**/*.rs',
    '../../crates/{agent,core,hub,membership,team}/src/**/*.rs',
    '!**/tests/**',
    '!**/tests.rs',
    // Programs that read a hub by HTTP see these, and the window does not.
    '!../../crates/hub/src/{rest/**,answer.rs}',
  ],
  { query: '?raw', import: 'default', eager: true },
);

function textOf(language: string, file: string): string {
  const text = FTL[`../../locales/${language}/${file}.ftl`];
  if (text === undefined) throw new Error(`there is no ${file}.ftl in ${language}`);
  return text;
}

function entries(language: string, file: string): Map<string, unknown> {
  const { body } = new FluentResource(textOf(language, file));
  return new Map((body as unknown as Entry[]).map(({ id, value }) => [id, value]));
}

/** The names of all variables in a message, wherever they stand in it. */
function variables(value: unknown, found = new Set<string>()): Set<string> {
  if (typeof value !== 'object' || value === null) return found;
  const { type, name } = value as { type?: unknown; name?: unknown };
  if (type === 'var' && typeof name === 'string') found.add(name);
  for (const part of Object.values(value)) variables(part, found);
  return found;
}

/** What is called the same in both languages. */
const SAME = [
  'choice-online',
  'status-because',
  'status-online',
  'status-offline',
  'group-here',
  'group-offline',
  'link-chat',
  'link-web',
  'name',
  'status',
  'this-version',
  'version',
  'team',
];

describe.each(['people', 'window'])('%s.ftl', (file) => {
  const en = entries('en', file);
  const de = entries('de', file);

  it('says the same things in both languages, of the same variables', () => {
    expect([...de.keys()].sort()).toEqual([...en.keys()].sort());
    for (const [id, value] of en) {
      expect([id, [...variables(de.get(id))].sort()]).toEqual([id, [...variables(value)].sort()]);
    }
  });

  it('is in German what is called German', () => {
    const same = [...en].filter(([id, value]) => JSON.stringify(value) === JSON.stringify(de.get(id))).map(([id]) => id);
    expect(same.filter((id) => !SAME.includes(id))).toEqual([]);
  });

  it.each(['en', 'de'])('in %s can be read to its end, and writes quotes and dashes as books do', (language) => {
    const text = textOf(language, file);
    const begun = text.split('\n').filter((line) => /^[a-z][a-z0-9-]* = /u.test(line));
    expect(begun.map((line) => line.split(' ')[0])).toEqual([...entries(language, file).keys()]);
    const said = text.split('\n').filter((line) => !line.startsWith('#'));
    expect(said.filter((line) => /\.\.\.|(?<!\{) "|--/u.test(line))).toEqual([]);
  });
});

describe('ids', () => {
  const used = Object.values(SOURCES).join('\n');
  const beginnings = [...used.matchAll(/`([a-z]+-)\$\{/gu)].map((found) => found[1] ?? '');

  it('of the window are all used', () => {
    const isUsed = (id: string) => used.includes(`'${id}'`) || beginnings.some((beginning) => id.startsWith(beginning));
    expect([...entries('en', 'window').keys()].filter((id) => !isUsed(id))).toEqual([]);
  });

  it('that are asked for are all there', () => {
    const known = new Set([...entries('en', 'window').keys(), ...entries('en', 'people').keys()]);
    const asked = [...used.matchAll(/\b(?:translate|splitAround)\('([a-z0-9-]+)'/gu)].map((found) => found[1] ?? '');
    expect(asked.length).toBeGreaterThan(100);
    expect(asked.filter((id) => !known.has(id))).toEqual([]);
  });
});

describe('the host’s problems', () => {
  const problems = entries('de', 'problems');

  function strings(text: string): string[] {
    return [...text.matchAll(/"([a-z][a-z0-9_]*)"/gu)].map((found) => found[1] ?? '');
  }

  /** The codes in a file: in functions and tables that give one, and where a problem is made of one. */
  function codes(text: string): string[] {
    const tables = text.matchAll(/^( *)(?:pub )?(?:pub\(crate\) )?(?:const )?fn code\([\s\S]*?\n\1\}|let code = match[\s\S]*?\};/gmu);
    const made = text.matchAll(
      /problem\(\s*"[a-z_]+"|code: "[a-z_]+"|let code = "[a-z_]+"|const (?:CODE|ACTIVITY_UNKNOWN|UNCONFIRMED|REFUSED): &str = "[a-z_]+"/gu,
    );
    return [...tables, ...made].flatMap((found) => strings(found[0]));
  }

  const SIGNALS = '../../crates/core/src/signal/error.rs';
  const found = (wanted: (path: string) => boolean) =>
    new Set(Object.entries(RUST).flatMap(([path, text]) => (wanted(path) ? codes(text.split('\nmod tests {')[0] ?? '') : [])));

  it.each([
    ['problem', (path: string) => path !== SIGNALS, 60],
    ['failure', (path: string) => path === SIGNALS, 8],
  ] as const)('%s have German words each, and no others have', (kind, wanted, least) => {
    const expected = [...found(wanted)].map((code) => `${kind}-${code.replaceAll('_', '-')}`);
    expect(expected.length).toBeGreaterThanOrEqual(least);
    expect([...problems.keys()].filter((id) => id.startsWith(`${kind}-`)).sort()).toEqual(expected.sort());
  });
});
