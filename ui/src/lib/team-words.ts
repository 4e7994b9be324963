/** Everything the window says about a team: pure functions, as `words.ts` has them for people. */
import type { DeviceOfMember, InviteShown, InviteView, Member, TeamPane } from './contract';
import { day, moment } from './moment';

/** The longest name of a team, and of a person, in characters; the host cuts what is longer. */
export const NAME_LIMIT = 64;

/** The name that a team has unless its starter writes another. */
export function teamOf(name: string): string {
  const whose = name.trim();
  return whose === '' ? '' : Array.from(`${whose}'s team`).slice(0, NAME_LIMIT).join('');
}

/** Which computer the team meets at. Empty where nobody said. */
export function hostWords({ hosting, host, me }: TeamPane): string {
  if (hosting) return 'Hosted on this computer';
  if (host === null) return '';
  if (host.user === null) return `Hosted on ${host.name}`;
  return host.user === me ? 'Hosted on another computer of yours' : `Hosted on ${host.name}'s computer`;
}

export function times(uses: number): string {
  return uses === 1 ? 'once' : `${uses} times`;
}

/** "Works once, until Mon 14:02". */
export function inviteWords(invite: Pick<InviteShown, 'uses' | 'ends'>, today: number): string {
  return `Works ${times(invite.uses)}, until ${moment(invite.ends, today)}`;
}

/** An invitation that stands, in a line: for whom, how often still, until when. */
export function standingInvite(invite: InviteView, members: readonly Member[], me: string, today: number): string {
  const named = (user: string) => members.find((member) => member.user === user)?.name ?? user;
  const whom = invite.for_user;
  const forWhom =
    whom === null ? 'For somebody new' : `For a device of ${whom === me ? 'yours' : named(whom)}`;
  const by = invite.by === null || invite.by === me || invite.by === whom ? '' : `, by ${named(invite.by)}`;
  return `${forWhom}${by}; works ${times(invite.uses_left)}, until ${moment(invite.ends, today)}`;
}

export function deviceWord(device: DeviceOfMember): string {
  return device.kind ?? 'device';
}

/** Since when a device is in, and when it last came, as far as that is known. */
export function deviceSince(device: DeviceOfMember, today: number): string {
  const since = `since ${day(device.since, today)}`;
  if (device.this) return `${since}, this one`;
  return device.last_here === null ? `${since}, not here yet` : `${since}, last here ${day(device.last_here, today)}`;
}

export const REMOVE_WORDS =
  "They are disconnected at once, on all their devices, and vanish from everybody's list. To come back they need a " +
  'new invitation.';

export function forgetWords(device: DeviceOfMember, mine: boolean): string {
  if (device.this) return 'This is the computer you sit at: it is disconnected at once and needs a new invitation.';
  const whose = mine ? 'Your other devices stay' : 'Their other devices stay';
  return `It is disconnected at once and gets in only with a new invitation: right for one that is lost. ${whose}.`;
}

/** What leaving means for whoever leaves, and for the others where it is they who keep the team going. */
export function leaveWords(pane: TeamPane | null): string {
  const me = "You are signed off on all your devices, vanish from everybody's list, and need an invitation to come back.";
  if (pane?.hosting !== true) return me;
  return pane.members.length > 1
    ? `This computer hosts the team. Without it nobody sees anybody any more: let somebody host it first. ${me}`
    : 'This computer hosts the team, and nobody else is in it: it ends.';
}

/** In the order of their names, me first. */
export function listed(members: readonly Member[], me: string): Member[] {
  return [...members].sort(
    (a, b) =>
      Number(b.user === me) - Number(a.user === me) || byName.compare(a.name, b.name) || (a.user < b.user ? -1 : 1),
  );
}

const byName = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });
