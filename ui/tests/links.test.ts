import axe from 'axe-core';
import { describe, expect, it } from 'vitest';

import { isLink, LINK_LIMIT, MOST_LINKS, SCHEMES, shownLinks, tidied } from '../src/lib/links';
import { byTest, click, find, open, person, settings, settled, snapshot, type } from './stage';

const CORE = import.meta.glob<string>('../../crates/core/src/contact.rs', { query: '?raw', import: 'default', eager: true });

describe('a link', () => {
  it('has one of the schemes, and the length, that the host takes', () => {
    const [core = ''] = Object.values(CORE);
    const schemes = /SCHEMES: [^=]*=\s*\[([^\]]*)\]/u.exec(core)?.[1]?.match(/[a-z]+/gu) ?? [];
    expect(schemes.length).toBeGreaterThan(5);
    for (const scheme of schemes) expect(isLink(`${scheme}:${/^https?$/u.test(scheme) ? '//' : ''}a.b`)).toBe(true);
    expect([...SCHEMES].sort()).toEqual([...schemes].sort());
    expect(core).toContain(`MAX_LINK: usize = ${LINK_LIMIT};`);
    expect(core).toContain(`MAX_LINKS: usize = ${MOST_LINKS};`);
  });

  it.each([
    ['mailto:anna@example.org', 'Mail', 'anna@example.org'],
    ['tel:+491234', 'Phone', '+491234'],
    ['SIP:anna@example.org', 'Phone', 'anna@example.org'],
    ['xmpp:anna@example.org', 'Chat', 'anna@example.org'],
    ['matrix:u/anna:example.org', 'Chat', 'u/anna:example.org'],
    ['https://www.example.org/anna?a=b', 'www.example.org', 'https://www.example.org/anna?a=b'],
    ['https://xn--pple-43d.example/', 'xn--pple-43d.example', 'https://xn--pple-43d.example/'],
  ])('%s is shown as %s', (link, label, address) => {
    expect(shownLinks([link])).toEqual([{ link, label, address }]);
  });

  it.each([
    'javascript:alert(1)',
    'data:text/html,<b>',
    'file:///etc/passwd',
    'mailto:',
    'anna@example.org',
    'https://<b>x',
    'mailto:anna@example.org\u202e',
    'tel:+49 30',
    'https://аpple.example/',
    `https://example.org/${'a'.repeat(LINK_LIMIT)}`,
    '',
  ])('is not %j', (link) => {
    expect(isLink(link)).toBe(false);
    expect(shownLinks([link])).toEqual([]);
  });

  it.each([
    [' anna@example.org ', 'mailto:anna@example.org'],
    ['+49 (30) 12-34.5', 'tel:+493012345'],
    ['https://example.org', 'https://example.org'],
    ['xmpp:anna@example.org', 'xmpp:anna@example.org'],
    ['https://bücher.example/ä', 'https://xn--bcher-kva.example/%C3%A4'],
    ['0301234', '0301234'],
    ['nonsense', 'nonsense'],
    ['  ', ''],
  ])('written as %j is kept as %j', (text, link) => {
    expect(tidied(text)).toBe(link);
  });
});

describe('the page of a person', () => {
  const links = ['mailto:bob@example.org', 'https://<img src=x>', 'https://example.org/<b>', 'https://example.org/bob'];

  it('has their links as text, and the host opens them', async () => {
    const stage = await open(snapshot({ people: [person('bob', { links })] }));
    click(find('[data-user="bob"] [data-testid="reach"]'));
    await settled();
    const shown = [...document.querySelectorAll<HTMLElement>('[data-testid="contact"]')];
    expect(shown.map((one) => [one.textContent?.trim(), one.title])).toEqual([
      ['Mail', 'bob@example.org'],
      ['example.org', 'https://example.org/bob'],
    ]);
    expect(document.querySelector('a, img')).toBeNull();
    click(find('[title="https://example.org/bob"]'));
    expect(stage.host.openLink).toHaveBeenCalledWith('bob', 'https://example.org/bob');
  });

  it('says why one could not be opened', async () => {
    const stage = await open(snapshot({ people: [person('bob', { links })] }));
    stage.host.openLink.mockRejectedValue({ code: 'not_opened', message: 'Nothing here opens mail.' });
    click(find('[data-user="bob"] [data-testid="reach"]'));
    await settled();
    click(byTest('contact'));
    await settled();
    expect(byTest('failure').textContent).toContain('Nothing here opens mail.');
  });
});

describe('my links', () => {
  async function openSettings(part = {}) {
    const stage = await open(snapshot(), ({ host }) => host.settings.mockResolvedValue(settings(part)));
    click(byTest('settings-button'));
    await settled();
    return stage;
  }

  const fields = () => [...document.querySelectorAll<HTMLInputElement>('[data-testid="set-link"]')];

  async function write(at: number, text: string) {
    const field = fields()[at];
    if (field === undefined) throw new Error(`there is no field ${at}`);
    type(field, text);
    field.dispatchEvent(new Event('change', { bubbles: true }));
    await settled();
  }

  it('are added, mended as the field is left, removed and kept', async () => {
    const stage = await openSettings({ links: ['https://example.org', 'tel:+49301'] });
    click(byTest('add-link'));
    await settled();
    expect(document.activeElement).toBe(fields()[2]);
    await write(2, ' mia@example.org');
    expect(fields()[2]?.value).toBe('mailto:mia@example.org');
    click(find('[data-testid="remove-link"]'));
    await settled();
    click(byTest('add-link'));
    await settled();
    expect(stage.host.changeSettings.mock.lastCall?.[0].links).toEqual(['tel:+49301', 'mailto:mia@example.org']);
  });

  it('that nobody could open are not saved, and the field says so', async () => {
    const stage = await openSettings({ links: ['tel:+49301'] });
    click(byTest('add-link'));
    await settled();
    await write(1, 'javascript:alert(1)');
    expect(find('#link-wrong').getAttribute('role')).toBe('alert');
    expect(stage.host.changeSettings).not.toHaveBeenCalled();
    expect(fields()[1]?.getAttribute('aria-describedby')).toBe('link-wrong');
    const found = await axe.run(document.body, { rules: { 'color-contrast': { enabled: false } } });
    expect(found.violations.map(({ id }) => id)).toEqual([]);
    await write(1, '');
    expect(document.querySelector('#link-wrong')).toBeNull();
  });

  it('are five at most', async () => {
    await openSettings({ links: [1, 2, 3, 4].map((one) => `tel:+${one}${one}`) });
    click(byTest('add-link'));
    await settled();
    expect(document.querySelector('[data-testid="add-link"]')).toBeNull();
    click(find('[data-testid="remove-link"]'));
    await settled();
    expect(fields()).toHaveLength(4);
    expect(document.activeElement).toBe(fields()[0]);
  });
});

it('the language is chosen, or left to the system', async () => {
  const stage = await open(snapshot());
  click(byTest('settings-button'));
  await settled();
  const field = byTest<HTMLSelectElement>('set-language');
  expect([...field.options].map((option) => option.textContent)).toEqual(['System language', 'English', 'Deutsch']);
  expect(field.selectedIndex).toBe(0);
  field.selectedIndex = 2;
  field.dispatchEvent(new Event('change', { bubbles: true }));
  await settled();
  expect(stage.host.changeSettings.mock.calls[0]?.[0].language).toBe('de');
});
