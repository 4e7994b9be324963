/**
 * Contact links: URIs that people publish so that others can reach them outside of Porchlight.
 *
 * Owns how they are displayed and which ones a field accepts. The host decides whether to open one, and checks
 * it again.
 */
import { translate } from './i18n.svelte';

/** The maximum number of published links. */
export const MOST_LINKS = 5;
/** The maximum length of a link, in characters. */
export const LINK_LIMIT = 256;

const KINDS: ReadonlyMap<string, 'mail' | 'phone' | 'chat' | 'web'> = new Map([
  ['mailto', 'mail'],
  ['tel', 'phone'],
  ['sip', 'phone'],
  ['sips', 'phone'],
  ['http', 'web'],
  ['https', 'web'],
  ['xmpp', 'chat'],
  ['matrix', 'chat'],
  ['msteams', 'chat'],
  ['slack', 'chat'],
  ['irc', 'chat'],
  ['ircs', 'chat'],
]);

/** The known schemes, in lower case. */
export const SCHEMES: readonly string[] = [...KINDS.keys()];

const SCHEME = /^([a-z][a-z0-9+.-]*):(.+)$/isu;
const MAIL = /^[^\s@:/?#]+@[^\s@:/?#]+$/u;
const PHONE = /^\+[\d\s().\/-]*\d$/u;
/** Characters that no URI contains (RFC 3986, section 2): spaces, non-ASCII characters, and some marks. */
const UNFIT = /[^!-~]|["<>\\^`{|}]/u;

export type ShownLink = {
  link: string;
  label: string;
  /** The part after the scheme, for people who want to read it. */
  address: string;
};

/** The published links that can be opened, with their labels. Others are left out. */
export function shownLinks(links: readonly string[]): ShownLink[] {
  return links.filter(isLink).map((link) => ({ link, label: labelOf(link), address: addressOf(link) }));
}

/** Whether the link can be published, and opened by others. */
export function isLink(link: string): boolean {
  return kindOf(link) !== undefined && link.length <= LINK_LIMIT && !UNFIT.test(link);
}

/** Normalizes a field's text: a bare mail address or phone number becomes a link. */
export function tidied(text: string): string {
  const bare = text.trim();
  if (MAIL.test(bare)) return `mailto:${bare}`;
  if (PHONE.test(bare)) return `tel:+${bare.replace(/\D/gu, '')}`;
  // Non-ASCII letters are encoded as URIs require.
  if (kindOf(bare) === 'web' && UNFIT.test(bare) && hostOf(bare) !== '') return new URL(bare).href;
  return bare;
}

function kindOf(link: string) {
  return KINDS.get(SCHEME.exec(link)?.[1]?.toLowerCase() ?? '');
}

function labelOf(link: string): string {
  switch (kindOf(link)) {
    case 'mail':
      return translate('link-mail');
    case 'phone':
      return translate('link-phone');
    case 'chat':
      return translate('link-chat');
    default:
      // Shown as browsers write it, in Punycode: this reveals names whose letters only look like others.
      return hostOf(link) || translate('link-web');
  }
}

function hostOf(link: string): string {
  try {
    return new URL(link).hostname;
  } catch {
    return '';
  }
}

function addressOf(link: string): string {
  return kindOf(link) === 'web' ? link : (SCHEME.exec(link)?.[2] ?? link);
}
