/** What no component has in it: words of its own, and directions that turn with the script. */
import { parse } from 'svelte/compiler';
import { describe, expect, it } from 'vitest';

const COMPONENTS = import.meta.glob<string>('../src/**/*.svelte', { query: '?raw', import: 'default', eager: true });
const SHEETS = import.meta.glob<string>('../src/**/*.css', { query: '?raw', import: 'default', eager: true });

/** Attributes, and properties of our own parts, whose text somebody sees or hears. */
const SPOKEN = /^(aria-label|aria-description|aria-roledescription|title|placeholder|alt|label|legend|back|beside|doing|means|words|yes)$/u;
const LETTER = /\p{L}/u;
/** Our name, and what a link of ours begins with. */
const ALLOWED = new Set(['Porchlight', 'porchlight://join?…']);

type Node = { type?: unknown; name?: unknown; data?: unknown; value?: unknown; callee?: { name?: unknown } };

/** Texts in a part of a component. What a function is called with is none: it may be the id of a message. */
function literals(part: unknown, said: boolean, found: string[] = []): string[] {
  if (Array.isArray(part)) {
    for (const one of part) literals(one, said, found);
    return found;
  }
  if (typeof part !== 'object' || part === null) return found;
  const node = part as Node & Record<string, unknown>;
  if (node.type === 'Comment' || node.type === 'StyleSheet') return found;
  if (node.type === 'Attribute') {
    return literals(node.value, typeof node.name === 'string' && SPOKEN.test(node.name), found);
  }
  if (node.type === 'CallExpression') return found;
  if (said && node.type === 'Text' && typeof node.data === 'string') found.push(node.data.trim());
  if (said && node.type === 'Literal' && typeof node.value === 'string') found.push(node.value);
  if (said && node.type === 'TemplateElement') found.push(String((node.value as { raw?: unknown }).raw));
  if (node.type === 'BinaryExpression') return found;
  for (const [key, child] of Object.entries(node)) {
    // What decides is not what is shown.
    const decides = key === 'test' || (key === 'expression' && (node.type === 'EachBlock' || node.type === 'KeyBlock'));
    if (!decides && key !== 'key') literals(child, said, found);
  }
  return found;
}

function words(source: string): string[] {
  const { fragment } = parse(source, { modern: true });
  return literals(fragment, true).filter((text) => LETTER.test(text) && !ALLOWED.has(text));
}

describe('components', () => {
  it('are found', () => {
    expect(Object.keys(COMPONENTS).length).toBeGreaterThan(30);
  });

  it.each(Object.entries(COMPONENTS))('%s have no words of their own', (_, source) => {
    expect(words(source)).toEqual([]);
  });

  it.each([
    ['<p>Hello</p>', ['Hello']],
    ['<p>{count} people</p>', ['people']],
    ['<button aria-label="Close">×</button>', ['Close']],
    ['<button title="{name} of mine">×</button>', ['of mine']],
    ["<p>{open ? 'Close' : translate('open')}</p>", ['Close']],
    ['<p>{`${name} knocked`}</p>', [' knocked']],
    ['<Part label="Name" />', ['Name']],
    ["<p class=\"words\" data-kind={one}>{translate('hello')} – {name}</p>", []],
    ["<h1>Porchlight</h1>{#if a === 'b'}<b>{translate(c ? 'd' : 'e')}</b>{/if}", []],
  ])('such as %s would be found', (source, expected) => {
    expect(words(source)).toEqual(expected);
  });
});

/** Declarations that mean a side of the screen and not one of the text. */
function sides(css: string): string[] {
  const declarations = css.replace(/\/\*[\s\S]*?\*\//gu, '').matchAll(/(?<=[{;]\s*)([a-z-]+)\s*:\s*([^;{}]+)(?=[;}])/gu);
  return [...declarations].flatMap(([whole, property = '', value = '']) => {
    const named = /(^|-)(left|right)($|-)/u.test(property);
    const aligned = /^(text-align|float|clear|justify-content|justify-items|justify-self)$/u.test(property) && /\b(left|right)\b/u.test(value);
    const [, right, , left] = /^(margin|padding|inset|border-width|border-radius)$/u.test(property) ? value.trim().split(/\s+/u) : [];
    return named || aligned || (left !== undefined && left !== right) ? [whole.trim()] : [];
  });
}

describe('styles', () => {
  const styled = Object.entries({ ...COMPONENTS, ...SHEETS });

  it.each(styled)('of %s turn with the direction of the text', (path, source) => {
    const css = path.endsWith('.css') ? source : (/<style>([\s\S]*)<\/style>/u.exec(source)?.[1] ?? '');
    expect(sides(css)).toEqual([]);
  });

  it.each([
    ['a { margin-left: 1px; }', ['margin-left: 1px']],
    ['a { right: 0; top: 0 }', ['right: 0']],
    ['a { text-align: left; }', ['text-align: left']],
    ['a { padding: 0 1px 0 2px; }', ['padding: 0 1px 0 2px']],
    ['a { margin-inline-start: 1px; padding: 0 1px 2px 1px; }', []],
  ])('such as %s would be found', (css, expected) => {
    expect(sides(css)).toEqual(expected);
  });
});
