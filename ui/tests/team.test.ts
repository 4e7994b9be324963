import { describe, expect, it, vi } from 'vitest';

import { outline } from '../src/lib/qr';
import { hostWords, inviterWords, leaveWords, standingInvite, teamOf, withInvitedWords } from '../src/lib/team-words';
import { byTest, click, device, find, invitation, member, open, pane, press, settled, snapshot } from './stage';

const inTeam = snapshot({ team: "Mia's team" });

type Stage = Awaited<ReturnType<typeof open>>;

/** The window with the team's page open by its button. */
async function openTeam(otherwise: (stage: Stage) => void = () => {}): Promise<Stage> {
  const stage = await open(inTeam, otherwise);
  await go('team-button');
  return stage;
}

async function go(id: string): Promise<void> {
  click(byTest(id));
  await settled();
}

function isThere(css: string): boolean {
  return document.querySelector(css) !== null;
}

describe('the way to the team', () => {
  it('is a button, and Escape leads back to it', async () => {
    await openTeam();
    expect(document.activeElement?.textContent).toBe("Mia's team");
    expect(isThere('[aria-label="People"]')).toBe(false);
    press('Escape');
    await settled();
    expect(document.activeElement).toBe(byTest('team-button'));
    expect(isThere('[aria-label="People"]')).toBe(true);
  });

  it('is not there where the broker knows of no members', async () => {
    const stage = await open(snapshot());
    expect(isThere('[data-testid="team-button"]')).toBe(false);
    expect(stage.host.team).not.toHaveBeenCalled();
  });

  it('says how many ask to be let in, as the host tells', async () => {
    const stage = await open(inTeam);
    expect(byTest('team-button').getAttribute('aria-label')).toBe('Team');
    const request = { id: 'r', name: 'Eve', kind: null, code: '0042', at: 0 };
    stage.host.team.mockResolvedValue(pane({ requests: [request] }));
    stage.tell('team', null);
    await settled();
    expect(byTest('team-button').getAttribute('aria-label')).toBe('Team, 1 person asks to join');
  });

  it('of whoever is alone there leads to inviting', async () => {
    await open(inTeam);
    await go('invite-first');
    expect(isThere('[data-testid="make-invite"]')).toBe(true);
    expect(document.activeElement).toBe(find('input[name="for"][value="other"]'));
  });
});

describe('the page', () => {
  it('says who hosts the team, and lists members with their devices, me first', async () => {
    await openTeam();
    expect(byTest('team').textContent).toContain('Hosted on this computer');
    const rows = [...document.querySelectorAll<HTMLElement>('[data-member]')];
    expect(rows.map((row) => row.dataset['member'])).toEqual(['me', 'bob']);
    expect(rows[0]?.textContent).toContain('owner');
    expect(find('[data-device="me-1"]').textContent).toContain('this computer');
  });

  it.each([
    ['starter', 'porchlight token'],
    ['member', 'Only the owner'],
  ] as const)('lists the programs that read the team for a %s, without a button', async (role, who) => {
    const programs = [
      { id: 't1', label: 'Board', since: 1, by: 'bob', last_used: 3_600_000 },
      { id: 't2', label: '<img src=x>', since: 2, by: 'me', last_used: null },
      { id: 't3', label: 'Old', since: 0, by: null, last_used: null },
    ];
    await openTeam(({ host }) => host.team.mockResolvedValue(pane({ role, programs })));
    const section = byTest('programs');
    const rows = [...section.querySelectorAll<HTMLElement>('[data-program]')].map((row) => row.textContent);
    expect(rows).toHaveLength(3);
    expect(rows[0]).toMatch(/<img src=x>\s*added by you .* · not used yet/u);
    expect(rows[1]).toMatch(/Board\s*added by bob .* · last read /u);
    expect(rows[2]).toMatch(/Old\s*added .* · not used yet/u);
    expect(section.textContent).toContain(who);
    expect(section.querySelector('button, a, img')).toBeNull();
  });

  it('says that no program reads', async () => {
    await openTeam(({ host }) => host.team.mockResolvedValue(pane({ role: 'member', programs: [] })));
    expect(byTest('programs').textContent).toContain('No program can see who is here.');
  });

  it('says that an older hub does not tell which programs read', async () => {
    await openTeam(({ host }) => host.team.mockResolvedValue(pane({ role: 'member', programs: null })));
    const told = byTest('programs').textContent;
    expect(told).toContain('older version');
    expect(told).not.toContain('No program');
  });

  it('shows hostile names as text', async () => {
    const name = '<img src=x onerror="globalThis.broken = true">';
    const request = { id: 'r', name, kind: name, code: '0042', at: 0 };
    const members = [member('x', { name, devices: [device('d', { kind: name })] })];
    await openTeam(({ host }) => host.team.mockResolvedValue(pane({ team: name, members, requests: [request] })));
    expect(isThere('img')).toBe(false);
    expect(find('h1').textContent).toBe(name);
  });

  it('is read again while it is open and looked at', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
    try {
      const stage = await openTeam();
      const before = stage.host.team.mock.calls.length;
      await vi.advanceTimersByTimeAsync(10_500);
      expect(stage.host.team.mock.calls.length).toBe(before + 1);
      press('Escape');
      await settled();
      await vi.advanceTimersByTimeAsync(30_000);
      expect(stage.host.team.mock.calls.length).toBe(before + 1);
    } finally {
      vi.useRealTimers();
    }
  });

  it('that cannot be read says why, and still lets one leave', async () => {
    const gone = { code: 'not_signed_in', message: 'You are no longer a member.' };
    const stage = await openTeam(({ host }) => host.team.mockRejectedValue(gone));
    expect(byTest('trouble').textContent).toBe('You are no longer a member.');
    await go('leave');
    await go('yes');
    expect(stage.host.leaveTeam).toHaveBeenCalledOnce();
  });

  it('keeps what it knows while it cannot be read', async () => {
    const stage = await openTeam();
    stage.host.team.mockRejectedValue({ code: 'unreachable', message: 'It does not answer.' });
    stage.tell('team', null);
    await settled();
    expect(byTest('trouble').textContent).toBe('It does not answer.');
    expect(isThere('[data-member="bob"]')).toBe(true);
  });
});

describe('inviting', () => {
  it('makes a link with what is chosen, and shows it with its code', async () => {
    const stage = await openTeam();
    await go('invite');
    click(find('input[name="uses"][value="5"]'));
    await go('make-invite');
    expect(stage.host.invite).toHaveBeenCalledWith({ forMe: false, uses: 5, lastsSeconds: 604_800 });
    expect(byTest<HTMLInputElement>('link-text').value).toBe('porchlight://join?v=1&token=x');
    expect(byTest('qr').getAttribute('aria-label')).toBe('The link as a QR code');
    expect(find('[data-testid="qr"] .dark').getAttribute('d')).toBe('M0 0h1v1h-1zM2 0h1v1h-1zM1 1h2v1h-2zM0 2h2v1h-2z');
  });

  it('a device of mine works once, and says where to open it', async () => {
    const stage = await openTeam(({ host }) => host.invite.mockResolvedValue(invitation({ for_me: true, qr: [] })));
    await go('invite');
    click(find('input[name="uses"][value="25"]'));
    click(find('input[name="for"][value="me"]'));
    await settled();
    expect(isThere('input[name="uses"]')).toBe(false);
    await go('make-invite');
    expect(stage.host.invite).toHaveBeenCalledWith({ forMe: true, uses: 1, lastsSeconds: 604_800 });
    expect(byTest('invitation').textContent).toContain('Open this link on your other device');
    expect(isThere('[data-testid="qr"]')).toBe(false);
  });

  it('offers no link for more people than a member may let in', async () => {
    await openTeam(({ host }) => host.team.mockResolvedValue(pane({ role: 'member' })));
    await go('invite');
    const uses = [...document.querySelectorAll<HTMLInputElement>('input[name="uses"]')].map((input) => input.value);
    expect(uses).toEqual(['1', '5', '20']);
  });

  it('copies the link and says so', async () => {
    const writeText = vi.fn(async () => {});
    vi.stubGlobal('navigator', Object.assign(Object.create(navigator), { clipboard: { writeText } }));
    await openTeam();
    await go('invite');
    await go('make-invite');
    await go('copy');
    expect(writeText).toHaveBeenCalledWith('porchlight://join?v=1&token=x');
    expect(byTest('copied').textContent?.trim()).toBe('Copied.');
    vi.unstubAllGlobals();
  });

  it('marks the link where it cannot be copied', async () => {
    await openTeam();
    await go('invite');
    await go('make-invite');
    await go('copy');
    expect(byTest('copied').textContent).toContain('press Ctrl+C');
    const field = byTest<HTMLInputElement>('link-text');
    expect([field.selectionStart, field.selectionEnd]).toEqual([0, field.value.length]);
  });

  it('that fails says why in its place', async () => {
    await openTeam(({ host }) => host.invite.mockRejectedValue({ code: 'full', message: 'the team is full' }));
    await go('invite');
    await go('make-invite');
    expect(byTest('trouble').textContent).toBe('The team is full');
    expect(isThere('[data-testid="failure"]')).toBe(false);
  });

  it('is closed by Escape, which leaves the page open', async () => {
    await openTeam();
    await go('invite');
    press('Escape');
    await settled();
    expect(document.activeElement).toBe(byTest('invite'));
    expect(isThere('[data-testid="team"]')).toBe(true);
  });

  it('can be taken back by whoever made it', async () => {
    const mine = { id: 'i1', for_user: null, by: 'me', uses_left: 1, ends: 0 };
    const invites = [mine, { ...mine, id: 'i2', by: 'bob' }];
    const stage = await openTeam(({ host }) => host.team.mockResolvedValue(pane({ role: 'member', invites })));
    expect(document.querySelectorAll('[data-testid="take-back"]')).toHaveLength(1);
    stage.host.team.mockResolvedValue(pane({ role: 'member', invites: invites.slice(1) }));
    await go('take-back');
    expect(stage.host.revokeInvite).toHaveBeenCalledWith('i1');
    expect(isThere('[data-invite="i1"]')).toBe(false);
  });
});

describe('somebody who asks to be let in', () => {
  const request = { id: 'r1', name: 'Eve', kind: 'laptop', code: '4711', at: 0 };

  it('stands there with the digits, and is let in', async () => {
    const stage = await openTeam(({ host }) => host.team.mockResolvedValueOnce(pane({ requests: [request] })));
    stage.host.team.mockResolvedValue(pane({ requests: [request] }));
    stage.tell('team', null);
    await settled();
    expect(byTest('requests').textContent).toContain('4711');
    expect(byTest('let-in').getAttribute('aria-label')).toBe('Let Eve in');
    stage.host.team.mockResolvedValue(pane());
    await go('let-in');
    expect(stage.host.decide).toHaveBeenCalledWith('r1', true);
    expect(isThere('[data-testid="requests"]')).toBe(false);
  });

  it('is kept out with No', async () => {
    const stage = await openTeam(({ host }) => host.team.mockResolvedValue(pane({ requests: [request] })));
    await go('keep-out');
    expect(stage.host.decide).toHaveBeenCalledWith('r1', false);
  });
});

describe('removing', () => {
  it('asks first, says what happens, and gives the focus back on Escape', async () => {
    const stage = await openTeam();
    await go('remove');
    expect(byTest('question').textContent).toContain('signed out on all devices at once');
    expect(document.activeElement).toBe(byTest('no'));
    press('Escape');
    await settled();
    expect(stage.host.removeMember).not.toHaveBeenCalled();
    expect(document.activeElement).toBe(byTest('remove'));
    expect(isThere('[data-testid="team"]')).toBe(true);
  });

  it('a member, told to, removes them', async () => {
    const stage = await openTeam();
    await go('remove');
    stage.host.team.mockResolvedValue(pane({ members: [member('me')] }));
    await go('yes');
    expect(stage.host.removeMember).toHaveBeenCalledWith('bob', false);
    await settled();
    expect(isThere('[data-member="bob"]')).toBe(false);
    expect(document.activeElement?.id).toBe('members-head');
  });

  it('a member offers to remove those who joined through them, and does so only when told', async () => {
    const invitedBy = { user: 'bob', name: 'Bob', left: false };
    const team = pane({
      members: [member('me'), member('bob', { name: 'Bob', invited: 2 }), member('cy', { invited_by: invitedBy })],
    });
    const stage = await openTeam(({ host }) => host.team.mockResolvedValue(team));
    expect(find('[data-member="cy"]').textContent).toContain('invited by Bob');
    click(find('[data-member="cy"] [data-testid="remove"]'));
    await settled();
    expect(isThere('[data-testid="besides"]')).toBe(false);
    press('Escape');
    await settled();
    click(find('[data-member="bob"] [data-testid="remove"]'));
    await settled();
    expect(byTest('question').textContent).toContain('Also remove the 2 people who joined through Bob');
    expect(byTest<HTMLInputElement>('besides').checked).toBe(false);
    click(byTest('besides'));
    await settled();
    // Asked anew it is not chosen any more.
    await go('no');
    click(find('[data-member="bob"] [data-testid="remove"]'));
    await settled();
    expect(byTest<HTMLInputElement>('besides').checked).toBe(false);
    click(byTest('besides'));
    await go('yes');
    expect(stage.host.removeMember).toHaveBeenCalledExactlyOnceWith('bob', true);
  });

  it('that fails says why, and the question stays', async () => {
    await openTeam(({ host }) => host.removeMember.mockRejectedValue({ code: 'not_allowed', message: 'you may not.' }));
    await go('remove');
    await go('yes');
    expect(byTest('trouble').textContent).toBe('You may not.');
    expect(isThere('[data-testid="question"]')).toBe(true);
  });

  it('a device forgets that one alone', async () => {
    const stage = await openTeam();
    click(find('[data-device="bob-1"] button'));
    await settled();
    expect(byTest('question').textContent).toContain('Their other devices stay.');
    await go('yes');
    expect(stage.host.forgetDevice).toHaveBeenCalledWith('bob-1');
    expect(stage.host.removeMember).not.toHaveBeenCalled();
  });

  it('is for whoever keeps the team; others look after their own devices', async () => {
    await openTeam(({ host }) => host.team.mockResolvedValue(pane({ role: 'member', hosting: false })));
    expect(isThere('[data-testid="remove"]')).toBe(false);
    expect(isThere('[data-device="bob-1"] button')).toBe(false);
    expect(isThere('[data-device="me-1"] button')).toBe(true);
    expect(isThere('[data-testid="move"]')).toBe(false);
  });
});

it('the device that hosts the team is not forgotten while it does', async () => {
  await openTeam();
  expect(isThere('[data-device="me-1"] button')).toBe(false);
});

describe('leaving and moving', () => {
  it('leaving asks first', async () => {
    const stage = await openTeam();
    await go('leave');
    expect(byTest('question').textContent).toContain("Leave Mia's team?");
    expect(stage.host.leaveTeam).not.toHaveBeenCalled();
    await go('no');
    expect(document.activeElement).toBe(byTest('leave'));
    await go('leave');
    await go('yes');
    expect(stage.host.leaveTeam).toHaveBeenCalledOnce();
  });

  it('hosting it here is offered to its starter while another computer does', async () => {
    const stage = await openTeam(({ host }) =>
      host.team.mockResolvedValue(pane({ hosting: false, host: { name: 'build-server', user: null } })),
    );
    expect(byTest('team').textContent).toContain('Hosted on build-server');
    await go('move');
    await go('yes');
    expect(stage.host.moveHere).toHaveBeenCalledOnce();
  });
});

describe('words', () => {
  it('say who let a member in, also where that one has left', () => {
    expect(inviterWords({ user: 'bob', name: 'Bob', left: false })).toBe('invited by Bob');
    expect(inviterWords({ user: 'bob', name: 'Bob', left: true })).toBe('invited by Bob, who has left');
    expect(withInvitedWords(member('bob', { name: 'Bob', invited: 1 }))).toBe('Also remove the person who joined through Bob');
    expect(withInvitedWords(member('bob'))).toBeUndefined();
  });

  it('name a team after its starter, within what a name may have', () => {
    expect(teamOf(' Anna ')).toBe("Anna's team");
    expect(teamOf(' ')).toBe('');
    expect(Array.from(teamOf('😀'.repeat(64)))).toHaveLength(64);
  });

  it.each([
    [pane(), 'Hosted on this computer'],
    [pane({ hosting: false }), 'Hosted on another computer of yours'],
    [pane({ hosting: false, host: { name: 'Anna', user: 'anna' } }), "Hosted on Anna's computer"],
    [pane({ hosting: false, host: { name: 'box', user: null } }), 'Hosted on box'],
    [pane({ hosting: false, host: null }), ''],
  ])('say who hosts it', (team, words) => {
    expect(hostWords(team)).toBe(words);
  });

  it('say what leaving means for the others where this computer hosts', () => {
    expect(leaveWords(pane())).toContain('move the team to another computer first');
    expect(leaveWords(pane({ members: [member('me')] }))).toContain('The team ends');
    expect(leaveWords(pane({ hosting: false }))).not.toContain('hosts');
    expect(leaveWords(null)).not.toContain('hosts');
  });

  it('say for whom an invitation is, and by whom', () => {
    const invite = { id: 'i', for_user: null, by: 'bob', uses_left: 3, ends: 0 };
    const members = [member('bob', { name: 'Bob' })];
    expect(standingInvite(invite, members, 'me', 0)).toMatch(/^For someone new, by Bob; works 3 times, until /);
    expect(standingInvite({ ...invite, for_user: 'bob' }, members, 'me', 0)).toMatch(/^For a device of Bob; /);
    expect(standingInvite({ ...invite, for_user: 'me', by: 'me', uses_left: 1 }, members, 'me', 0)).toMatch(
      /^For a device of yours; works once, /,
    );
  });
});

it('a code is drawn by runs, row by row', () => {
  expect(outline(['0110', '0000', '1001', '0000'])).toBe('M1 0h2v1h-2zM0 2h1v1h-1zM3 2h1v1h-1z');
});
