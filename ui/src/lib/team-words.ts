/** Everything the window says about a team: pure functions, as `words.ts` has them for people. */
import type {
    DeviceOfMember, InvitedBy, InviteShown, InviteView, Member, TeamPane, TokenView,
} from './contract';
import { day, moment } from './moment';
import { translate } from './i18n.svelte';
import { kindWord } from './words';

/** The longest name of a team, and of a person, in characters; the host cuts what is longer. */
export const NAME_LIMIT = 64;

/** The name that a team has unless its starter writes another. */
export function teamOf(name: string): string {
  const whose = name.trim();
  return whose === '' ? '' : Array.from(translate('team-of', { name: whose })).slice(0, NAME_LIMIT).join('');
}

/** Which computer the team meets at. Empty where nobody said. */
export function hostWords({ hosting, host, me }: TeamPane): string {
  if (hosting) return translate('hosted-here');
  if (host === null) return '';
  if (host.user === null) return translate('hosted-on', { name: host.name });
  return host.user === me ? translate('hosted-on-mine') : translate('hosted-by', { name: host.name });
}

/** How often an invitation that was just made can be used, and until when. */
export function inviteWords({ uses, ends }: Pick<InviteShown, 'uses' | 'ends'>, today: number): string {
  return translate('invite-holds', { uses, at: moment(ends, today) });
}

/** An invitation that stands, in a line: for whom, how often still, until when. */
export function standingInvite(invite: InviteView, members: readonly Member[], me: string, today: number): string {
  const named = (user: string) => members.find((member) => member.user === user)?.name ?? user;
  const whom = invite.for_user;
  const holds = { uses: invite.uses_left, at: moment(invite.ends, today) };
  if (invite.by === null || invite.by === me || invite.by === whom) {
    if (whom === null) return translate('invite-new-holds', holds);
    return whom === me ? translate('invite-mine-holds', holds) : translate('invite-device-holds', { name: named(whom), ...holds });
  }
  const by = named(invite.by);
  if (whom === null) return translate('invite-new-by-holds', { by, ...holds });
  return whom === me
    ? translate('invite-mine-by-holds', { by, ...holds })
    : translate('invite-device-by-holds', { name: named(whom), by, ...holds });
}

export function deviceWord(device: DeviceOfMember): string {
  return kindWord(device.kind);
}

/** Since when a device is in, and when it last came, as far as that is known. */
export function deviceSince(device: DeviceOfMember, today: number): string {
  const at = day(device.since, today);
  if (device.this) return translate('device-this', { at });
  if (device.last_here === null) return translate('device-never', { at });
  return translate('device-since', { at, here: day(device.last_here, today) });
}

/** Who let a member in. */
export function inviterWords({ name, left }: InvitedBy): string {
  return translate(left ? 'invited-by-left' : 'invited-by', { name });
}

/** That those go along who came by a member. Nothing where nobody did. */
export function withInvitedWords({ name, invited }: Member): string | undefined {
  return invited === 0 ? undefined : translate('remove-with-invited', { name, invited });
}

export function forgetWords(device: DeviceOfMember, mine: boolean): string {
  if (device.this) return translate('forget-this-means');
  return translate(mine ? 'forget-mine-means' : 'forget-theirs-means');
}

/** Who let a program read, since when, and when it last did, as far as that is known. */
export function programWords(program: TokenView, { members, me }: TeamPane, today: number): string {
  const at = day(program.since, today);
  const by = members.find((member) => member.user === program.by)?.name ?? program.by;
  const allowed =
    program.by === me ? translate('program-by-me', { at }) : by === null ? translate('program-since', { at }) : translate('program-by', { by, at });
  const used = program.last_used === null ? translate('program-unused') : translate('program-used', { at: day(program.last_used, today) });
  return `${allowed} · ${used}`;
}

/** What leaving means for whoever leaves, and for the others where it is they who keep the team going. */
export function leaveWords(pane: TeamPane | null): string {
  if (pane?.hosting !== true) return translate('leaving-means');
  return translate(pane.members.length > 1 ? 'leaving-host-means' : 'leaving-last-means');
}

/** In the order of their names, me first. */
export function listed(members: readonly Member[], me: string): Member[] {
  return [...members].sort(
    (a, b) =>
      Number(b.user === me) - Number(a.user === me) || byName.compare(a.name, b.name) || (a.user < b.user ? -1 : 1),
  );
}

const byName = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });
