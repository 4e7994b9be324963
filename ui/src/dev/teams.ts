/** Teams for the demo scenes. */
import type { DeviceOfMember, InviteShown, InviteView, Member, RequestView, TeamPane, TokenView } from '../lib/contract';
import { ago } from './people';

const DAYS = 24 * 60;

function device(id: string, kind: string | null, part: Partial<DeviceOfMember> = {}): DeviceOfMember {
  return { id, kind, since: ago(40 * DAYS), last_here: ago(60), this: false, ...part };
}

function member(name: string, part: Partial<Member> = {}): Member {
  const user = part.user ?? name.toLowerCase().replace(/\W+/g, '-');
  const devices = [device(`${user}-1`, 'laptop')];
  return { user, name, role: 'member', since: ago(20 * DAYS), devices, invited_by: null, invited: 0, ...part };
}

const byAda = { user: 'ada-lovelace', name: 'Ada Lovelace', left: false };

const mine = [
  device('me-1', 'laptop', { this: true }),
  device('me-2', 'desktop', { since: ago(9 * DAYS), last_here: ago(2 * DAYS) }),
];

const others = [
  member('Ada Lovelace', { invited: 2, devices: [device('ada-1', 'laptop'), device('ada-2', 'desktop', { last_here: null })] }),
  member('Grace Hopper', { invited_by: byAda, since: ago(3 * DAYS), devices: [device('grace-1', 'desktop')] }),
  member('Katherine Johnson', { invited_by: byAda }),
  member('Edsger Dijkstra', { invited_by: { user: 'ole', name: 'Ole', left: true }, devices: [device('edsger-1', null, { last_here: ago(33 * DAYS) })] }),
];

const invites: InviteView[] = [
  { id: 'i1', for_user: null, by: 'me', uses_left: 1, ends: ago(-6 * DAYS) },
  { id: 'i2', for_user: 'ada-lovelace', by: 'ada-lovelace', uses_left: 1, ends: ago(-2 * 60) },
  { id: 'i3', for_user: null, by: 'grace-hopper', uses_left: 18, ends: ago(-25 * DAYS) },
];

export const requests: RequestView[] = [
  { id: 'r1', name: 'Barbara Liskov', kind: 'laptop', code: '4711', at: ago(1) },
  { id: 'r2', name: 'Wolfeschlegelsteinhausenbergerdorff the Elder', kind: null, code: '0815', at: ago(4) },
];

export const programs: TokenView[] = [
  { id: 't1', label: 'Status board in the hall', since: ago(30 * DAYS), by: 'me', last_used: ago(60) },
  { id: 't2', label: 'Door sign', since: ago(2 * DAYS), by: 'ada-lovelace', last_used: null },
  { id: 't3', label: 'Old wiki', since: ago(300 * DAYS), by: null, last_used: ago(41 * DAYS) },
];

export const NAME = "Margaret Hamilton's team";

/** The owner's team, hosted on their own computer. */
export function hosted(part: Partial<TeamPane> = {}): TeamPane {
  return {
    team: NAME,
    role: 'starter',
    hosting: true,
    me: 'me',
    host: { name: 'Margaret Hamilton', user: 'me' },
    members: [member('Margaret Hamilton', { user: 'me', role: 'starter', devices: mine, since: ago(40 * DAYS) }), ...others],
    invites,
    requests: [],
    programs,
    ...part,
  };
}

/** Somebody else's team, with us as an ordinary member. */
export function joined(part: Partial<TeamPane> = {}): TeamPane {
  const [ada, ...rest] = others;
  return hosted({
    team: "Ada's team",
    role: 'member',
    hosting: false,
    host: { name: 'Ada Lovelace', user: 'ada-lovelace' },
    members: [
      member('Margaret Hamilton', { user: 'me', devices: mine }),
      ...(ada === undefined ? [] : [{ ...ada, role: 'starter' as const }]),
      ...rest,
    ],
    invites: [],
    ...part,
  });
}

export function alone(): TeamPane {
  const whole = hosted();
  return { ...whole, members: whole.members.slice(0, 1), invites: [] };
}

/** A link of realistic length, and a code of the size that such a link needs. It leads nowhere. */
export function made(forMe: boolean, uses: number, lastsSeconds: number): InviteShown {
  const link =
    'porchlight://join?v=1&team=Margaret+Hamilton%27s+team&at=192.168.1.5%3A18831&at=%5Bfd00%3A%3A5%5D%3A18831&' +
    `pin=${'p6enp6'.repeat(7)}c&token=k3V9xQ2aB7.${'s'.repeat(27)}`;
  return { id: 'i9', link, for_me: forMe, uses, ends: Date.now() + lastsSeconds * 1000, qr: pattern(61) };
}

/** Looks like a QR code: three finder patterns, and noise that is always the same. */
function pattern(side: number): string[] {
  const finder = (x: number, y: number) => {
    const ring = Math.max(Math.abs(x - 3), Math.abs(y - 3));
    return ring === 4 ? false : ring <= 4 ? ring !== 2 : null;
  };
  let noise = 1;
  return Array.from({ length: side }, (_, y) =>
    Array.from({ length: side }, (_, x) => {
      noise = (noise * 48271) % 0x7fffffff;
      const dark = finder(x, y) ?? finder(side - 1 - x, y) ?? finder(x, side - 1 - y) ?? noise % 2 === 0;
      return dark ? '1' : '0';
    }).join(''),
  );
}
