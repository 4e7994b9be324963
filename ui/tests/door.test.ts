import axe from 'axe-core';
import { describe, expect, it } from 'vitest';

import { byTest, click, find, open, press, settings, settled, snapshot, type } from './stage';

const first = snapshot({ stage: 'first_start', suggested_name: 'Mia', me: null, link: { state: 'unset' } });
const missing = { code: 'keyring_absent', message: 'no keyring runs here.' };

function isThere(id: string): boolean {
  return document.querySelector(`[data-testid="${id}"]`) !== null;
}

/** Submits what a button stands for; jsdom does it on a click, too, but only for buttons in the page. */
async function go(id: string): Promise<void> {
  click(byTest(id));
  await settled();
}

describe('the first start', () => {
  it('offers the ways in, and each way back gives the focus to its button', async () => {
    await open(first);
    for (const way of ['start-team', 'join-team', 'find-team', 'use-broker']) {
      await go(way);
      expect(document.activeElement?.tagName).toBe('H1');
      press('Escape');
      await settled();
      expect(document.activeElement).toBe(byTest(way));
    }
    expect(isThere('look-around')).toBe(true);
  });

  it('that fails says why and can be tried again', async () => {
    const stage = await open(first);
    stage.host.lookAround.mockRejectedValue({ code: 'no_port', message: 'No port is free.' });
    await go('look-around');
    expect(byTest('failure').textContent).toContain('No port is free.');
    expect(byTest<HTMLButtonElement>('look-around').disabled).toBe(false);
    click(find('[aria-label="Dismiss"]'));
    expect(isThere('failure')).toBe(false);
  });

  it('can be come back to from the demo team', async () => {
    await open(snapshot({ stage: 'looking_around', suggested_name: 'Mia' }));
    expect(document.body.textContent).toContain('Demo team — nothing here is real');
    await go('to-the-door');
    expect(isThere('start-team')).toBe(true);
    await go('back');
    expect(isThere('me')).toBe(true);
  });
});

describe('starting a team', () => {
  it('takes two clicks, with both names there already', async () => {
    const stage = await open(first);
    await go('start-team');
    expect(find<HTMLInputElement>('#team-name').value).toBe("Mia's team");
    await go('start');
    expect(stage.host.startTeam).toHaveBeenCalledWith("Mia's team", 'Mia', false);
  });

  it('names the team after its starter until somebody names it', async () => {
    const stage = await open(first);
    await go('start-team');
    type(find('#name'), ' Mia Wallace ');
    expect(find<HTMLInputElement>('#team-name').value).toBe("Mia Wallace's team");
    type(find('#team-name'), 'Dancers');
    type(find('#name'), 'Vincent');
    expect(find<HTMLInputElement>('#team-name').value).toBe('Dancers');
    await go('start');
    expect(stage.host.startTeam).toHaveBeenCalledWith('Dancers', 'Vincent', false);
  });

  it('asks for whichever name is empty', async () => {
    const stage = await open({ ...first, suggested_name: null });
    await go('start-team');
    await go('start');
    expect(find('#name-wrong').getAttribute('role')).toBe('alert');
    expect(document.activeElement?.id).toBe('name');
    type(find('#name'), 'Mia');
    type(find('#team-name'), ' ');
    await go('start');
    expect(document.querySelector('#name-wrong')).toBeNull();
    expect(document.activeElement?.id).toBe('team-name');
    expect(stage.host.startTeam).not.toHaveBeenCalled();
  });

  it('shows that it is starting, then the team', async () => {
    const stage = await open(first);
    await go('start-team');
    stage.tellSnapshot({ ...first, seq: 2, stage: 'starting' });
    await settled();
    expect(byTest<HTMLButtonElement>('start').disabled).toBe(true);
    expect(find('[role="status"]').textContent).toContain('Starting…');
    press('Escape');
    await settled();
    expect(isThere('start')).toBe(true);
    stage.tellSnapshot(snapshot({ seq: 3, team: "Mia's team" }));
    await settled();
    await go('welcome-done');
    expect(byTest('empty').textContent).toContain('Send the others an invitation');
  });

  it('says in its place what went wrong, and what was written stays', async () => {
    const stage = await open(first);
    stage.host.startTeam.mockRejectedValue({ code: 'hub', message: 'the folder is read-only; make it writable.' });
    await go('start-team');
    type(find('#team-name'), 'Dancers');
    await go('start');
    expect(byTest('trouble').textContent).toBe('The folder is read-only; make it writable.');
    expect(isThere('failure')).toBe(false);
    expect(find<HTMLInputElement>('#team-name').value).toBe('Dancers');
    expect(isThere('keep-in-file')).toBe(false);
  });

  it.each(['keyring_absent', 'keyring_locked', 'keyring_refused', 'keyring_failed'])('offers a file at %s, and says what that means', async (code) => {
    const stage = await open(first);
    stage.host.startTeam.mockRejectedValueOnce({ ...missing, code });
    await go('start-team');
    await go('start');
    expect(byTest('keep-in-file').textContent).toContain('No keyring runs here.');
    expect(byTest('keep-in-file').textContent).toContain('anybody who reads this disk can join as you');
    await go('keep-file');
    expect(stage.host.startTeam).toHaveBeenLastCalledWith("Mia's team", 'Mia', true);
    expect(isThere('keep-in-file')).toBe(false);
  });

  it('tries the keyring again where it was unlocked meanwhile', async () => {
    const stage = await open(first);
    stage.host.startTeam.mockRejectedValueOnce({ code: 'keyring_locked', message: 'unlock it.' });
    await go('start-team');
    await go('start');
    await go('keep-retry');
    expect(stage.host.startTeam).toHaveBeenLastCalledWith("Mia's team", 'Mia', false);
  });
});

describe('somebody who has just come into a team', () => {
  async function come() {
    const stage = await open(first);
    stage.tellSnapshot({ ...first, seq: 2, stage: 'starting' });
    await settled();
    stage.host.checks.mockResolvedValue([
      { about: 'tray', ok: true, found: 'it is there', remedy: null },
      { about: 'keyring', ok: false, found: 'no keyring is running', remedy: 'start one' },
    ]);
    stage.tellSnapshot(snapshot({ seq: 3, team: "Mia's team" }));
    await settled();
    return stage;
  }

  it('is asked what others see, with a preview, and whether to start at login', async () => {
    const stage = await come();
    expect(byTest('preview').textContent).toContain('Away since');
    click(byTest('set-coarse'));
    click(byTest('welcome-autostart'));
    expect(byTest('preview').textContent).not.toContain('since');
    expect(stage.host.changeSettings).not.toHaveBeenCalled();
    await go('welcome-done');
    expect(stage.host.changeSettings).toHaveBeenCalledWith(settings({ coarse: true, starts_at_login: true }));
    expect(isThere('welcome')).toBe(false);
  });

  it('who changes nothing sets nothing', async () => {
    const stage = await come();
    await go('welcome-done');
    expect(stage.host.changeSettings).not.toHaveBeenCalled();
    expect(isThere('empty')).toBe(true);
  });

  it('reads what this computer lacks, and nothing of what it has', async () => {
    await come();
    expect(byTest('checks').textContent).toContain('No keyring is running. Start one.');
    expect(byTest('checks').querySelector('[data-about="tray"]')).toBeNull();
  });

  it('finds no fault with axe', async () => {
    await come();
    const found = await axe.run(document.body, { rules: { 'color-contrast': { enabled: false } } });
    expect(found.violations.map(({ id }) => id)).toEqual([]);
  });
});

describe('joining with a link', () => {
  it('pasted whole asks at once, and joins only when told to', async () => {
    const stage = await open(first);
    await go('join-team');
    type(find('#link'), '  porchlight://join?v=1 ');
    await settled();
    expect(stage.host.readLink).toHaveBeenLastCalledWith('porchlight://join?v=1');
    expect(find('h1').textContent).toBe("Join Anna's team?");
    expect(byTest('invitation').textContent).toContain('is at 192.168.1.5.');
    expect(stage.host.join).not.toHaveBeenCalled();
    await go('join');
    expect(stage.host.join).toHaveBeenCalledWith('porchlight://join?v=1', 'Mia', false);
  });

  it('that is none says so when somebody says that it is all', async () => {
    const stage = await open(first);
    stage.host.readLink.mockRejectedValue({ code: 'no_invitation', message: 'this is no invitation' });
    await go('join-team');
    await go('read-link');
    expect(find('#link-wrong').textContent).toContain('Paste the link');
    type(find('#link'), 'https://example.org');
    await settled();
    expect(isThere('trouble')).toBe(false);
    await go('read-link');
    expect(byTest('trouble').textContent).toBe('This is no invitation');
  });

  it('that fails says why beside the question, and can be tried again', async () => {
    const stage = await open(first);
    stage.host.join.mockRejectedValueOnce({ code: 'token_expired', message: 'the invitation has ended; ask for another' });
    await go('join-team');
    type(find('#link'), 'porchlight://join?v=1');
    await settled();
    await go('join');
    expect(byTest('trouble').dataset['code']).toBe('token_expired');
    await go('join');
    expect(stage.host.join).toHaveBeenCalledTimes(2);
  });

  it('without a keyring may keep it in a file', async () => {
    const stage = await open(first);
    stage.host.join.mockRejectedValueOnce(missing);
    await go('join-team');
    type(find('#link'), 'porchlight://join?v=1');
    await settled();
    await go('join');
    await go('keep-file');
    expect(stage.host.join).toHaveBeenLastCalledWith('porchlight://join?v=1', 'Mia', true);
  });

  it('shows a hostile team name and address as text', async () => {
    const team = '<img src=x onerror="globalThis.broken = true">';
    await open(first, ({ host }) => {
      host.takeLink.mockResolvedValueOnce('porchlight://join?v=1');
      host.readLink.mockResolvedValue({ team, at: team, nearby: true });
    });
    await settled();
    expect(document.querySelector('img')).toBeNull();
    expect(find('h1').textContent).toBe(`Join ${team}?`);
  });
});

describe('a link that was followed', () => {
  const link = 'porchlight://join?v=1';

  it('before the window was there is asked about at once', async () => {
    const stage = await open(first, ({ host }) => host.takeLink.mockResolvedValueOnce(link));
    await settled();
    expect(find('h1').textContent).toBe("Join Anna's team?");
    expect(find<HTMLInputElement>('#name').value).toBe('Mia');
    await go('join');
    expect(stage.host.join).toHaveBeenCalledWith(link, 'Mia', false);
    stage.tellSnapshot({ ...first, seq: 2, stage: 'starting' });
    await settled();
    stage.tellSnapshot(snapshot({ seq: 3, team: "Anna's team" }));
    await settled();
    expect(isThere('join')).toBe(false);
    expect(isThere('welcome')).toBe(true);
  });

  it('later is asked about, too, and can be left for now', async () => {
    const stage = await open(snapshot({ stage: 'looking_around', suggested_name: 'Mia' }));
    stage.host.takeLink.mockResolvedValueOnce(link);
    stage.tell('link', null);
    await settled();
    await settled();
    expect(isThere('join')).toBe(true);
    press('Escape');
    await settled();
    expect(isThere('join')).toBe(false);
    expect(stage.host.join).not.toHaveBeenCalled();
  });

  it('while one belongs to a team says to leave that first', async () => {
    const stage = await open(snapshot({ team: "Mia's team" }), ({ host }) => host.takeLink.mockResolvedValueOnce(link));
    await settled();
    expect(byTest('held').textContent).toContain("You belong to Mia's team. Leave it first");
    expect(isThere('join')).toBe(false);
    expect(stage.host.join).not.toHaveBeenCalled();
  });

  it('with a broker of one’s own says what is in the way', async () => {
    await open(snapshot(), ({ host }) => host.takeLink.mockResolvedValueOnce(link));
    await settled();
    expect(byTest('held').textContent).toContain('broker of your own');
  });
});

describe('asking a team nearby', () => {
  const teams = [
    { id: 'a', team: "Anna's team" },
    { id: 'b', team: 'Builders' },
  ];

  async function look() {
    const stage = await open(first);
    await go('find-team');
    stage.tell('nearby', teams);
    await settled();
    return stage;
  }

  it('lists those that are seen, looks only meanwhile, and tells a screen reader', async () => {
    const stage = await look();
    expect(stage.host.lookNearby).toHaveBeenLastCalledWith(true);
    expect(byTest('nearby').textContent).toContain('Builders');
    expect(find('[data-testid="nearby"] [role="status"]').textContent).toBe('2 teams nearby');
    stage.tell('nearby', []);
    await settled();
    expect(byTest('nearby').textContent).toContain('No team found on this network yet.');
    press('Escape');
    await settled();
    expect(stage.host.lookNearby).toHaveBeenLastCalledWith(false);
    expect(stage.isHeard('nearby')).toBe(false);
  });

  it('shows the digits, digit by digit to a screen reader, and waits', async () => {
    const stage = await look();
    click(find('[data-team="b"] button'));
    await settled();
    expect(stage.host.askToJoin).toHaveBeenCalledWith('b', 'Mia', false);
    expect(byTest('code').textContent).toBe('4711');
    expect(byTest('code').getAttribute('aria-label')).toBe('4 7 1 1');
    stage.tellSnapshot(snapshot({ seq: 2, team: 'Builders' }));
    await settled();
    expect(isThere('me')).toBe(true);
  });

  it('that was refused says so, and can be asked again', async () => {
    const stage = await look();
    click(find('[data-team="b"] button'));
    await settled();
    stage.tell('request', { code: 'request_refused', message: 'somebody of the team said no' });
    await settled();
    expect(byTest('trouble').textContent).toBe('Somebody of the team said no');
    expect(isThere('code')).toBe(false);
    await go('ask-again');
    expect(stage.host.askToJoin).toHaveBeenCalledTimes(2);
    expect(isThere('code')).toBe(true);
  });

  it('is given up by the way back', async () => {
    const stage = await look();
    click(find('[data-team="b"] button'));
    await settled();
    await go('stop-asking');
    expect(stage.host.stopAsking).toHaveBeenCalledOnce();
    expect(stage.isHeard('request')).toBe(false);
    expect(isThere('nearby')).toBe(true);
  });

  it('let in without a keyring may keep it in a file', async () => {
    const stage = await look();
    click(find('[data-team="b"] button'));
    await settled();
    stage.tell('request', missing);
    await settled();
    await go('keep-file');
    expect(stage.host.askToJoin).toHaveBeenLastCalledWith('b', 'Mia', true);
  });

  it('needs a name', async () => {
    const stage = await look();
    type(find('#name'), '');
    click(find('[data-team="a"] button'));
    await settled();
    expect(stage.host.askToJoin).not.toHaveBeenCalled();
    expect(document.activeElement?.id).toBe('name');
  });
});
