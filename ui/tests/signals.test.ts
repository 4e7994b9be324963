import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';

import { answerWords, exchangeState, exchangeTitle, failureWords } from '../src/lib/words';
import { byTest, click, exchange, find, open, person, settled, signals, snapshot, type, update } from './stage';

const bob = person('bob', { name: 'Bob' });
// A window that somebody looks at.
beforeEach(() => {
  vi.spyOn(document, 'hasFocus').mockReturnValue(true);
});

const clock = (at: number) => `@${at}`;

describe('words', () => {
  it('say who did what, and how often', () => {
    expect(exchangeTitle(exchange())).toBe('Bob knocked: Coffee?');
    expect(exchangeTitle(exchange({ mine: true, text: null }))).toBe('You knocked');
    expect(exchangeTitle(exchange({ kind: 'wave', text: '🎉', count: 3 }))).toBe('Bob waved 🎉 × 3');
    expect(exchangeTitle(exchange({ mine: true, stage: 'waiting', text: null }))).toBe('Your knock is waiting');
  });

  it.each([
    [{ stage: 'waiting', when: 'back' }, 'Will be sent when they are back'],
    [{ stage: 'waiting', when: 'both_free' }, 'Will be sent when you are both free'],
    [{ stage: 'sent' }, 'Sent'],
    [{ stage: 'sent', unheard: true }, 'Sent, but not received by any of their devices yet'],
    [{ stage: 'seen' }, 'Seen'],
    [{ stage: 'answered', answer: { kind: 'in_5' } }, 'Bob replied: Give me 5 minutes'],
  ] as const)('say how far a knock of mine has come: %j', (part, words) => {
    expect(exchangeState(exchange({ mine: true, ...part }), 0, clock)).toBe(words);
  });

  it('say why something was not sent, and since when', () => {
    const failure = { code: 'offline', message: 'Bob is offline', since: 7, cause: 'left' as const };
    expect(failureWords(failure, 0, clock)).toBe('Bob is offline (left @7)');
    expect(failureWords({ ...failure, since: null }, 0, clock)).toBe('Bob is offline');
  });

  it('give back an answer in words of their own', () => {
    expect(answerWords({ kind: 'text', text: '<b>no</b>' })).toBe('<b>no</b>');
  });
});

describe('a knock', () => {
  it('stands above the list with its answers, as text', async () => {
    const knocked = exchange({ text: '<img src=x>' });
    const { host } = await open(snapshot({ people: [bob], signals: signals(knocked) }));
    expect(byTest('knock').textContent).toContain('Bob knocked: <img src=x>');
    expect(document.querySelector('main img, [data-testid="knock"] img')).toBeNull();
    click(byTest('answer-in_5'));
    expect(host.answer).toHaveBeenCalledWith('bob', 'k1', { kind: 'in_5' });
    expect(host.see).not.toHaveBeenCalled();
  });

  it('is gone when it was answered elsewhere', async () => {
    const { tellUpdate } = await open(snapshot({ people: [bob], signals: signals(exchange()) }));
    const answered = exchange({ stage: 'answered', answer: { kind: 'later' } });
    tellUpdate(update(2, { signals: signals(answered) }));
    await settled();
    expect(document.querySelector('[data-testid="knock"]')).toBeNull();
  });

  it('is not seen by a page that stands behind other windows', async () => {
    vi.spyOn(document, 'hasFocus').mockReturnValue(false);
    onTestFinished(() => void vi.restoreAllMocks());
    const { host } = await open(snapshot({ people: [bob], signals: signals(exchange()) }));
    click(find('[data-user="bob"] [data-testid="reach"]'));
    await settled();
    expect(host.see).not.toHaveBeenCalled();
    window.dispatchEvent(new Event('focus'));
    await settled();
    expect(host.see).toHaveBeenCalledWith('bob');
  });

  it('is seen when its page is opened, and can be answered in words there', async () => {
    const { host, tellUpdate } = await open(snapshot({ people: [bob], signals: signals(exchange()) }));
    click(find('[data-user="bob"] [data-testid="reach"]'));
    await settled();
    expect(host.see).toHaveBeenCalledWith('bob');
    tellUpdate(update(2, { signals: signals(exchange({ stage: 'seen' })) }));
    await settled();
    type(byTest('reply-text'), 'On my way');
    expect(host.typeTo).toHaveBeenCalledWith('bob');
    click(byTest('answer-text'));
    await settled();
    expect(host.answer).toHaveBeenCalledWith('bob', 'k1', { kind: 'text', text: 'On my way' });
    expect(host.knock).not.toHaveBeenCalled();
  });
});

describe('the page of a person', () => {
  it('knocks, waves, waits and mutes', async () => {
    const { host } = await open(snapshot({ people: [bob] }));
    click(find('[data-user="bob"] [data-testid="reach"]'));
    await settled();
    type(byTest('knock-text'), 'Lunch?');
    click(find('input[value="both_free"]'));
    click(byTest('knock-send'));
    await settled();
    expect(host.knock).toHaveBeenCalledWith('bob', 'Lunch?', 'both_free');
    expect(byTest<HTMLInputElement>('knock-text').value).toBe('');
    click(byTest('wave'));
    expect(host.wave).toHaveBeenCalledWith('bob', '👋');
    click(byTest('tell-when-back'));
    expect(host.tellWhenBack).toHaveBeenCalledWith('bob', true);
    const notices = byTest<HTMLSelectElement>('notices-of');
    notices.value = 'muted';
    notices.dispatchEvent(new Event('change', { bubbles: true }));
    await settled();
    expect(host.mute).toHaveBeenCalledWith('bob', true);
    expect(host.noticesOf).not.toHaveBeenCalled();
    click(byTest('back'));
    await settled();
    expect(host.stopTyping).toHaveBeenLastCalledWith('bob');
    expect(document.activeElement).toBe(find('[data-user="bob"] [data-testid="reach"]'));
  });

  it('sends nothing that is too long, counted as people count', async () => {
    const { host } = await open(snapshot({ people: [bob] }));
    click(find('[data-user="bob"] [data-testid="reach"]'));
    await settled();
    type(byTest('knock-text'), '🎧'.repeat(280));
    expect(byTest<HTMLButtonElement>('knock-send').disabled).toBe(false);
    type(byTest('knock-text'), '🎧'.repeat(281));
    expect(byTest<HTMLButtonElement>('knock-send').disabled).toBe(true);
    expect(host.knock).not.toHaveBeenCalled();
  });

  it('says how a knock stands, and takes it back', async () => {
    const mine = exchange({ mine: true, stage: 'delivered' });
    const { host } = await open(snapshot({ people: [bob], signals: signals(mine) }));
    click(find('[data-user="bob"] [data-testid="reach"]'));
    await settled();
    expect(byTest('exchange-state').textContent).toBe('Delivered');
    click(byTest('take-back'));
    expect(host.withdraw).toHaveBeenCalledWith('bob', 'k1');
  });

  it('offers to knock at somebody offline when they are back', async () => {
    const failure = { code: 'offline', message: 'Bob is offline', since: null, cause: null };
    const failed = exchange({ mine: true, stage: 'failed', failure });
    const { host } = await open(snapshot({ people: [bob], signals: signals(failed) }));
    click(find('[data-user="bob"] [data-testid="reach"]'));
    await settled();
    click(byTest('knock-when-back'));
    expect(host.knock).toHaveBeenCalledWith('bob', 'Coffee?', 'back');
  });

  it('shows who types to me alone, in the list as well', async () => {
    const typing = { ...signals(), typing: ['bob'] };
    await open(snapshot({ people: [bob, person('carol')], signals: typing }));
    expect(find('[data-user="bob"]').textContent).toContain('typing to you…');
    expect(find('[data-user="carol"]').textContent).not.toContain('typing');
  });
});
