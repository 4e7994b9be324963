/** The window in the language that is spoken: which one that is, and that all of it is in it. */
import { describe, expect, it, onTestFinished } from 'vitest';

import { moment, nextMidnight } from '../src/lib/moment';
import { language, localeOf, preferredLanguage, setLanguage, splitAround, translate, translateIfKnown } from '../src/lib/i18n.svelte';
import { teamOf } from '../src/lib/team-words';
import {
  answerWords,
  endWords,
  exchangeState,
  exchangeTitle,
  failureWords,
  hostAway,
  myStatus,
  problemWords,
  retryWords,
  sentence,
  statusLine,
  whyLines,
} from '../src/lib/words';
import {
  byTest,
  click,
  device,
  exchange,
  find,
  invitation,
  me,
  member,
  open,
  pane,
  person,
  preferences,
  settings,
  settled,
  signals,
  snapshot,
  type,
  update,
} from './stage';

function inGerman(): void {
  setLanguage('de');
  onTestFinished(() => setLanguage('en'));
}

const clock = (at: number) => `@${at}`;

describe('the language', () => {
  it.each([
    [['de-AT', 'en'], 'de'],
    [['fr', 'de'], 'de'],
    [['EN-gb'], 'en'],
    [['fr-FR', 'eo'], 'en'],
    [[], 'en'],
  ])('of whoever prefers %j is %s', (languages, expected) => {
    expect(preferredLanguage(languages)).toBe(expected);
  });

  it('is said to the document, with the direction of its script', () => {
    inGerman();
    expect([document.documentElement.lang, document.documentElement.dir]).toEqual(['de', 'ltr']);
    setLanguage('ar-EG');
    expect([document.documentElement.lang, document.documentElement.dir]).toEqual(['ar-EG', 'rtl']);
    expect(translate('cancel')).toBe('Cancel');
  });

  it.each([
    ['de', ['fr-CH', 'de-AT', 'de'], 'de-AT'],
    ['de', ['en-GB'], 'de'],
    ['en', ['en-GB', 'en-US'], 'en-GB'],
    ['ar', [], 'ar'],
  ])('%s is written as whoever prefers %j writes it: %s', (spoken, preferred, expected) => {
    expect(localeOf(spoken, preferred)).toBe(expected);
  });

  it('is the host’s, from its first word on and whenever that changes', async () => {
    const stage = await open(snapshot({ language: 'de' }));
    expect(language()).toBe('de');
    expect(byTest('empty').textContent).toContain('Hier ist sonst noch niemand.');
    stage.tellSnapshot(snapshot({ seq: 2, language: 'en' }));
    await settled();
    expect(document.documentElement.lang).toBe('en');
    expect(byTest('empty').textContent).toContain('Nobody else is here yet.');
  });
});

describe('a message', () => {
  it('that is missing, or is told too little, is a mistake', () => {
    expect(() => translate('no-such-thing')).toThrow('no-such-thing');
    expect(() => translate('since')).toThrow('since');
    expect(translateIfKnown('no-such-thing')).toBeNull();
  });

  it('has no marks around its words, and no commas in its numbers', () => {
    expect(translate('found', { count: 10_000 })).toBe('10000 people found');
    expect(translate('reach', { name: 'Anna' })).toBe('Contact Anna');
  });

  it('comes apart around a word', () => {
    expect(splitAround('invitation-at', 'at')).toEqual([
      'The computer that hosts this team is at ',
      '. Join only if you know who sent you this link.',
    ]);
  });

  it('takes a stranger’s text for text', () => {
    const text = '{ $name } unknown { cancel }';
    expect(exchangeTitle(exchange({ text }))).toBe(`Bob knocked: ${text}`);
    expect(exchangeTitle(exchange({ text: 'unknown', name: 'unknown' }))).toBe('unknown knocked: unknown');
  });
});

describe('in German', () => {
  it.each([
    [exchange(), 'Bob hat angeklopft: Coffee?'],
    [exchange({ mine: true, text: null }), 'Du hast angeklopft'],
    [exchange({ kind: 'wave', text: '🎉', count: 3 }), 'Bob hat gewinkt 🎉 × 3'],
    [exchange({ mine: true, stage: 'waiting', text: null }), 'Dein Klopfen wartet'],
  ])('a knock or a wave is told', (one, words) => {
    inGerman();
    expect(exchangeTitle(one)).toBe(words);
  });

  it('people are told of', () => {
    inGerman();
    const anna = { name: 'Anna', status: 'away', cause: 'idle' as const, since: 7 };
    expect(sentence(person('anna', anna), 0, clock)).toBe('Anna, abwesend seit @7, inaktiv');
    expect(statusLine({ ...anna, status: 'offline', cause: 'left' }, 0, clock)).toBe('weg seit @7');
    expect(statusLine(person('anna', { cause: 'unknown', since: 7 }), 0, clock)).toBe('online seit @7, vielleicht nicht am Platz');
    const heard = { ...person('anna').evidence, heard: 3, loss_shows_within_s: 18, doubt: 'settling' as const };
    expect(whyLines(person('anna', { evidence: heard }), 0, clock)).toBe(
      [
        'Zuletzt gemeldet: @3.',
        'Bricht die Verbindung ab, siehst du es binnen 18 Sekunden.',
        'Von vor deiner neuen Verbindung.',
      ].join('\n'),
    );
  });

  it('the rest has its own order of words', () => {
    inGerman();
    const chosen = { status: 'dnd' as const, text: null, emoji: null, until: 9 };
    expect(myStatus({ ...me, status: 'dnd', chosen }, 0, clock)).toBe('Nicht stören (bis @9)');
    expect(myStatus({ ...me, status: 'away', cause: 'idle', since: 4 }, 0, clock)).toBe('Abwesend seit @4, inaktiv');
    expect(endWords({ kind: 'after', minutes: 45 })).toBe('45 Min.');
    expect(answerWords({ kind: 'come_in' })).toBe('Passt gerade');
    expect(teamOf('Anna')).toBe('Team von Anna');
    expect(exchangeState(exchange({ mine: true, stage: 'sent', unheard: true }), 0, clock)).toContain('auf keinem Gerät');
    expect(hostAway({ name: 'Anna', cause: 'asleep', since: 5 }, 0, clock)).toBe(
      'Der Computer von Anna, auf dem dieses Team läuft, ist im Ruhezustand seit @5',
    );
    const link = { state: 'connecting' as const, as_of: null, retry_at: 3_400, problem: { code: 'x', message: 'X' } };
    expect(retryWords(link, 0, clock)).toBe('Neuer Versuch in 4 s');
    expect(failureWords({ code: 'offline', message: 'Bob is offline', since: 7, cause: 'asleep' }, 0, clock, 'Bob')).toBe(
      'Bob ist offline; klopf an, wenn die Person zurück ist (Computer im Ruhezustand seit @7)',
    );
  });

  it('days are called as they are there', () => {
    inGerman();
    const now = new Date('2025-11-21T15:00:00').getTime();
    expect(moment(new Date('2025-11-20T23:59').getTime(), now)).toBe('gestern 23:59');
    expect(moment(new Date('2025-11-17T14:02').getTime(), now)).toBe('Mo 14:02');
    expect(moment(nextMidnight(now) + 60_000, now)).toBe('morgen 00:01');
  });
});

describe('a problem', () => {
  const problem = { code: 'hub_port_taken', message: 'the port is taken.' };

  it('is the host’s sentence in English', async () => {
    await open(snapshot({ problems: [{ code: 'port_taken', message: 'the port is taken.' }] }));
    expect(find('[data-code="port_taken"]').textContent?.trim()).toBe('The port is taken.');
    expect(document.querySelector('.details')).toBeNull();
  });

  it('is German with that sentence as its details, and that sentence alone where there is none', async () => {
    const known = { code: 'port_taken', message: 'the port is taken.' };
    await open(snapshot({ language: 'de', problems: [known, problem] }));
    expect(find('[data-code="port_taken"] bdi').textContent).toContain('Ein anderes Programm benutzt den üblichen Port');
    expect(find('[data-code="port_taken"] .details').textContent).toBe('The port is taken.');
    expect(find('[data-code="port_taken"] .details bdi').lang).toBe('en');
    expect(find('[data-code="hub_port_taken"]').textContent?.trim()).toBe('The port is taken.');
    expect(problemWords(problem)).toBeNull();
  });
});

/** Words that no German sentence has in it. Names and what people wrote are chosen so that they have none, either. */
const ENGLISH =
  /\b(the|and|you|your|yours|with|this|that|they|them|their|is|are|not|of|or|at|who|when|since|until|away|here|nobody|somebody|everybody|people|person found|device|phone|desktop|settings|cancel|close|back|knock|wave|notices|invite|remove|forget|leave|save|copy|ago|today|yesterday|tomorrow|last|new|own|typing|ahead|behind|there)\b/iu;

/** Everything on the page that is seen or heard, a text each. */
function texts(): string[] {
  const found: string[] = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) found.push(walker.currentNode.textContent ?? '');
  for (const attribute of ['aria-label', 'title', 'placeholder']) {
    for (const one of document.querySelectorAll(`[${attribute}]`)) found.push(one.getAttribute(attribute) ?? '');
  }
  return found.map((text) => text.trim()).filter((text) => text !== '');
}

function expectGerman(): void {
  const all = texts();
  expect(all.length).toBeGreaterThan(3);
  expect(all.filter((text) => ENGLISH.test(text))).toEqual([]);
}

async function go(id: string): Promise<void> {
  click(byTest(id));
  await settled();
}

describe('every page in German', () => {
  const kinds = ['laptop', 'desktop', 'phone', 'tablet', null];
  const devices = kinds.map((kind, at) => ({ device: `${at}`, kind, status: 'away', cause: 'idle' as const, since: 60_000 }));
  const witnessed = { ...person('x').evidence, heard: 1, loss_shows_within_s: 18, doubt: 'reconnecting' as const };
  const people = [
    person('anna', { name: 'Anna', devices, tz: 'Asia/Tokyo', links: ['mailto:a@b.c', 'tel:+1', 'xmpp:a@b', 'https://b.c'] }),
    person('bob', { name: 'Bob', status: 'away', cause: 'chosen', text: 'Mittag', since: 5, in_call: true }),
    person('cleo', { name: 'Cleo', status: 'offline', cause: 'left', since: 5, evidence: { ...witnessed, doubt: null } }),
    person('dora', { name: 'Dora', cause: 'unknown', typing: true, evidence: witnessed }),
    person('emil', { name: 'Emil', status: 'dnd', cause: 'chosen', until: 5, stale: true }),
  ];
  const inTeam = { language: 'de', people, team: 'Runde', me: { ...me, status: 'away', cause: 'idle' as const, since: 5 } };

  it('the list', async () => {
    const exchanges = [exchange({ text: 'Kaffee?' })];
    const regards = [{ user: 'anna', favourite: true, nickname: null, notices: 'usual' as const }];
    const shown = { ...inTeam, signals: { ...signals(...exchanges), typing: ['bob'] }, preferences: preferences({ people: regards }) };
    await open(snapshot(shown));
    expectGerman();
    for (const row of ['anna', 'bob', 'cleo', 'dora', 'emil']) expect(find(`[data-user="${row}"]`)).toBeTruthy();
  });

  it('the list when the connection is gone, or was never there', async () => {
    const problem = { code: 'unreachable', message: '…' };
    const link = { state: 'connecting' as const, as_of: 5, retry_at: Date.now() + 9_000, problem };
    const stage = await open(snapshot({ ...inTeam, link }));
    expectGerman();
    stage.tellUpdate(update(2, { link: { state: 'refused', as_of: null, retry_at: Date.now() + 300_000, problem } }));
    await settled();
    expectGerman();
    stage.tellUpdate(update(3, { link: { state: 'closed' }, leaves: people.map(({ user }) => user) }));
    await settled();
    expectGerman();
  });

  it('nobody in the list', async () => {
    const stage = await open(snapshot({ ...inTeam, people: [] }));
    expectGerman();
    stage.tellSnapshot(snapshot({ language: 'de', seq: 2 }));
    await settled();
    expectGerman();
  });

  it.each(people.map(({ user }) => user))('the page of %s, with all that passed', async (user) => {
    const stages = ['waiting', 'sending', 'sent', 'delivered', 'seen', 'withdrawn'] as const;
    const exchanges = stages.flatMap((stage, at) =>
      [true, false].map((mine) => exchange({ id: `${at}`, with: user, mine, stage, text: null })),
    );
    const failure = { code: 'offline', message: '…', since: 5, cause: 'left' as const };
    const last = exchange({ id: 'z', with: user, mine: true, stage: 'failed', text: null, failure });
    const wave = exchange({ id: 'w', with: user, kind: 'wave', text: '👋', count: 2, stage: 'answered', answer: { kind: 'later' } });
    await open(snapshot({ ...inTeam, signals: { ...signals(...exchanges, wave, last), typing: [user] } }));
    click(find(`[data-user="${user}"] [data-testid="reach"]`));
    await settled();
    expectGerman();
  });

  it('the status panel with its details', async () => {
    const lunch = { status: 'away' as const, text: null, emoji: null, ends: { kind: 'lunch' as const } };
    const presets = [lunch, { ...lunch, ends: { kind: 'after' as const, minutes: 45 } }, { ...lunch, ends: { kind: 'today' as const } }];
    await open(snapshot({ ...inTeam, preferences: preferences({ presets }) }));
    await go('status-button');
    expectGerman();
    await go('status-more');
    expectGerman();
  });

  it('the settings', async () => {
    const notices_off_until = Date.now() + 3_600_000;
    const kept = settings({ links: ['x'] });
    await open(snapshot({ ...inTeam, preferences: preferences({ notices_off_until }) }), ({ host }) =>
      host.settings.mockResolvedValue({ ...kept, notices: { ...kept.notices, quiet_hours: '22:00-07:00' } }),
    );
    await go('settings-button');
    await go('set-symbolic');
    // Languages are called as they call themselves.
    find('[data-testid="set-language"] [value="en"]').remove();
    expectGerman();
  });

  it('the team', async () => {
    const invites = [null, 'bob', 'me'].flatMap((for_user, at) =>
      ['me', 'bob'].map((by) => ({ id: `${at}${by}`, for_user, by, uses_left: at + 1, ends: 5 })),
    );
    const requests = ['laptop', null].map((kind, at) => ({ id: `${at}`, name: 'Eva', kind, code: '4711', at: 5 }));
    const members = [
      member('me', { name: 'Mia', role: 'starter', devices: [device('a', { this: true }), device('b', { last_here: 5 })] }),
      member('bob', { name: 'Bob', devices: kinds.map((kind) => device(`${kind}`, { kind })) }),
    ];
    const whole = pane({ team: 'Runde', members, invites, requests, hosting: false });
    const stage = await open(snapshot(inTeam), ({ host }) => {
      host.team.mockResolvedValue(whole);
      host.invite.mockResolvedValue(invitation());
    });
    await go('team-button');
    expectGerman();
    await go('move');
    expectGerman();
    await go('no');
    await go('leave');
    expectGerman();
    await go('no');
    await go('remove');
    expectGerman();
    await go('no');
    click(find('[data-device="b"] button'));
    await settled();
    expectGerman();
    await go('no');
    await go('invite');
    expectGerman();
    await go('make-invite');
    await go('copy');
    expectGerman();
    expect(stage.host.invite).toHaveBeenCalledOnce();
  });

  const first = snapshot({ language: 'de', stage: 'first_start', suggested_name: null, me: null, link: { state: 'unset' } });

  it('the first start, and starting a team', async () => {
    const stage = await open(first);
    expectGerman();
    stage.host.startTeam.mockRejectedValueOnce({ code: 'keyring_absent', message: '…' });
    await go('start-team');
    await go('start');
    expectGerman();
    type(find('#name'), 'Mia');
    expect(find<HTMLInputElement>('#team-name').value).toBe('Team von Mia');
    await go('start');
    expect(byTest('keep-in-file').textContent).toContain('Schlüsselbund');
    expectGerman();
  });

  it('joining a team', async () => {
    const stage = await open({ ...first, suggested_name: 'Mia' });
    stage.host.readLink.mockResolvedValue({ team: 'Runde', at: '192.168.1.5', nearby: true });
    await go('join-team');
    await go('read-link');
    expectGerman();
    type(find('#link'), 'porchlight://join?v=1');
    await settled();
    expect(byTest('invitation').textContent).toContain('in deinem Netz');
    expectGerman();
  });

  it('asking a team nearby, and using a broker', async () => {
    const stage = await open({ ...first, suggested_name: 'Mia' });
    await go('use-broker');
    find('[data-testid="broker-lines"]').remove();
    expectGerman();
    await go('back');
    await go('find-team');
    stage.tell('nearby', [{ id: 'a', team: 'Runde' }]);
    await settled();
    expectGerman();
    await go('ask');
    expectGerman();
    stage.tell('request', { code: 'request_refused', message: '…' });
    await settled();
    expectGerman();
    await go('stop-asking');
    expectGerman();
  });

  it('the questions of somebody who has just come into a team', async () => {
    const stage = await open({ ...first, stage: 'starting' });
    stage.tellSnapshot(snapshot({ ...inTeam, seq: 2 }));
    await settled();
    await go('set-coarse');
    expectGerman();
    expect(byTest('preview').textContent).toContain('Abwesend');
  });

  it('a link that was followed too late, and the demo team', async () => {
    const otherwise = ({ host }: { host: { takeLink: { mockResolvedValueOnce: (link: string) => unknown } } }) =>
      void host.takeLink.mockResolvedValueOnce('porchlight://join?v=1');
    const stage = await open(snapshot(inTeam), otherwise);
    await settled();
    expect(byTest('held').textContent).toContain('Du gehörst zu Runde');
    stage.tellSnapshot(snapshot({ ...inTeam, seq: 2, team: null }));
    await settled();
    expect(byTest('held').textContent).toContain('deinen eigenen Broker');
    stage.tellSnapshot(snapshot({ ...inTeam, seq: 3, stage: 'looking_around' }));
    await settled();
    expect(document.body.textContent).toContain('Demo-Team – nichts davon ist echt');
  });
});
