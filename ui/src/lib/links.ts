/**
 * The ways by which people can be reached outside of Porchlight: URIs that they publish.
 *
 * Owns what is shown of them and what can be written into a field. Whether one is opened is the host's to decide, which
 * looks at it once more.
 */
import { translate } from './i18n.svelte';

/** As many as one publishes. */
export const MOST_LINKS = 5;
/** The longest one, in characters. */
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

/** The schemes that are known, small. */
export const SCHEMES: readonly string[] = [...KINDS.keys()];

const SCHEME = /^([a-z][a-z0-9+.-]*):(.+)$/isu;
const MAIL = /^[^\s@:/?#]+@[^\s@:/?#]+$/u;
const PHONE = /^\+[\d\s().\/-]*\d$/u;
/** What no URI has in it (RFC 3986, section 2): spaces, what is not ASCII, and some marks. */
const UNFIT = /[^!-~]|["<>\\^`{|}]/u;

export type ShownLink = {
  link: string;
  label: string;
  /** What comes behind the scheme, to be read by whoever wants to know. */
  address: string;
};

/** What can be opened of what somebody publishes, with its label. The rest is left out. */
export function shownLinks(links: readonly string[]): ShownLink[] {
  return links.filter(isLink).map((link) => ({ link, label: labelOf(link), address: addressOf(link) }));
}

/** Whether it is one that can be published, and opened by others. */
export function isLink(link: string): boolean {
  return kindOf(link) !== undefined && link.length <= LINK_LIMIT && !UNFIT.test(link);
}

/** A field's text as it is kept: a bare mail address or phone number becomes a link. */
export function tidied(text: string): string {
  const bare = text.trim();
  if (MAIL.test(bare)) return `mailto:${bare}`;
  if (PHONE.test(bare)) return `tel:+${bare.replace(/\D/gu, '')}`;
  // Letters of other alphabets are written as a link has them.
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
      // As browsers write it: a name in letters that only look like others is told by that.
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
