/** The window's texts about a team: pure functions, as `words.ts` has them for people. */
import type {
    DeviceOfMember, InvitedBy, InviteShown, InviteView, Member, TeamPane, TokenView,
} from './contract';
import { day, moment } from './moment';
import { translate } from './i18n.svelte';
import { kindWord } from './words';

/** The maximum length of a team's and of a person's name, in characters; the host cuts longer ones. */
export const NAME_LIMIT = 64;

/** A team's default name; its owner may write another. */
export function teamOf(name: string): string {
  const whose = name.trim();
  return whose === '' ? '' : Array.from(translate('team-of', { name: whose })).slice(0, NAME_LIMIT).join('');
}

/** Which computer hosts the team. Empty if that is unknown. */
export function hostWords({ hosting, host, me }: TeamPane): string {
  if (hosting) return translate('hosted-here');
  if (host === null) return '';
  if (host.user === null) return translate('hosted-on', { name: host.name });
  return host.user === me ? translate('hosted-on-mine') : translate('hosted-by', { name: host.name });
}

/** How often a new invitation can be used, and until when. */
export function inviteWords({ uses, ends }: Pick<InviteShown, 'uses' | 'ends'>, today: number): string {
  return translate('invite-holds', { uses, at: moment(ends, today) });
}

/** A valid invitation in one line: for whom, how many uses are left, and until when. */
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

/** When a device joined and when it last connected, as far as that is known. */
export function deviceSince(device: DeviceOfMember, today: number): string {
  const at = day(device.since, today);
  if (device.this) return translate('device-this', { at });
  if (device.last_here === null) return translate('device-never', { at });
  return translate('device-since', { at, here: day(device.last_here, today) });
}

/** Who invited a member. */
export function inviterWords({ name, left }: InvitedBy): string {
  return translate(left ? 'invited-by-left' : 'invited-by', { name });
}

/** How many members came through this one and are removed with them. Empty if there are none. */
export function withInvitedWords({ name, invited }: Member): string | undefined {
  return invited === 0 ? undefined : translate('remove-with-invited', { name, invited });
}

export function forgetWords(device: DeviceOfMember, mine: boolean): string {
  if (device.this) return translate('forget-this-means');
  return translate(mine ? 'forget-mine-means' : 'forget-theirs-means');
}

/** Who allowed a program to read, since when, and when it last did, as far as that is known. */
export function programWords(program: TokenView, { members, me }: TeamPane, today: number): string {
  const at = day(program.since, today);
  const by = members.find((member) => member.user === program.by)?.name ?? program.by;
  const allowed =
    program.by === me ? translate('program-by-me', { at }) : by === null ? translate('program-since', { at }) : translate('program-by', { by, at });
  const used = program.last_used === null ? translate('program-unused') : translate('program-used', { at: day(program.last_used, today) });
  return `${allowed} · ${used}`;
}

/** What leaving means for me, and for the others if I host the team. */
export function leaveWords(pane: TeamPane | null): string {
  if (pane?.hosting !== true) return translate('leaving-means');
  return translate(pane.members.length > 1 ? 'leaving-host-means' : 'leaving-last-means');
}

/** Members in the order of their names, me first. */
export function listed(members: readonly Member[], me: string): Member[] {
  return [...members].sort(
    (a, b) =>
      Number(b.user === me) - Number(a.user === me) || byName.compare(a.name, b.name) || (a.user < b.user ? -1 : 1),
  );
}

const byName = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });
