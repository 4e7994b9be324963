/**
 * The window's one store: it hears the host, folds what it hears and sends what the person asks for.
 *
 * Owns when to ask for a snapshot. Decides nothing else: `fold.ts` folds, `words.ts` speaks.
 */
import type { Problem, Update } from './contract';
import { answered, heardSnapshot, heardUpdates, unread, type Reading, type View } from './fold';
import type { Choice, Host } from './host';
import { refusal } from './refusal';

/** Frames stop where nobody looks; what is heard then is folded now and then, so that it does not pile up. */
function nextFrame(then: () => void): void {
  const frame = requestAnimationFrame(() => {
    clearTimeout(late);
    then();
  });
  const late = setTimeout(() => {
    cancelAnimationFrame(frame);
    then();
  }, 250);
}

export class Live {
  /** Raw: it is replaced, never written into, so deep proxies would only cost. */
  #reading = $state.raw<Reading>(unread);
  /** What went wrong with the last thing asked for. */
  failure = $state.raw<Problem | null>(null);
  /** Why there is no view at all. */
  unreadable = $state.raw<Problem | null>(null);
  #host: Host;
  /** Updates that came since the last frame. Without a frame to wait for, one is folded at once. */
  #heard: Update[] = [];
  #frame = false;
  /** Numbers the questions, so that an answer that was overtaken is recognised. */
  #question = 0;

  constructor(host: Host) {
    this.#host = host;
  }

  get view(): View | null {
    return this.#reading.view;
  }

  /** Hears first and asks then, so that nothing falls between the two. Gives what stops it. */
  start(): () => void {
    let stopped = false;
    let stop = () => {};
    void this.#host
      .hear(
        (snapshot) => {
          this.#question += 1;
          // They stand before it in order.
          this.#heard = [];
          this.unreadable = null;
          this.#reading = heardSnapshot(snapshot);
        },
        (update) => {
          this.#heard.push(update);
          if (!this.#frame) this.#fold();
        },
      )
      .then(
        (end) => {
          stop = end;
          if (stopped) end();
          else void this.#ask();
        },
        (thrown: unknown) => {
          this.unreadable = refusal(thrown);
        },
      );
    return () => {
      stopped = true;
      stop();
    };
  }

  choose(choice: Choice): Promise<boolean> {
    return this.#send(this.#host.choose(choice));
  }

  /** The status follows the keyboard again. */
  clearChosen(): Promise<boolean> {
    return this.#send(this.#host.clearChosen());
  }

  reconnectNow(): Promise<boolean> {
    return this.#send(this.#host.reconnectNow());
  }

  lookAround(): Promise<boolean> {
    return this.#send(this.#host.lookAround());
  }

  /** Says something to one person, or wants to know something of them. */
  signal(say: (host: Host) => Promise<void>): Promise<boolean> {
    return this.#send(say(this.#host));
  }

  /** A key was pressed, or no more will be. That it is not told is no failure of anything that somebody asked for. */
  typing(to: string | null, typing: boolean): void {
    (typing ? this.#host.typeTo(to) : this.#host.stopTyping(to)).catch(() => {});
  }

  dismissFailure(): void {
    this.failure = null;
  }

  retry(): void {
    this.unreadable = null;
    void this.#ask();
  }

  /** What was heard, and then no more until the next frame: however much comes, the list is drawn once for all of it. */
  #fold(): void {
    this.#frame = false;
    if (this.#heard.length === 0) return;
    const heard = this.#heard;
    this.#heard = [];
    this.#frame = true;
    nextFrame(() => this.#fold());
    this.#take(heardUpdates(this.#reading, heard));
  }

  #take(reading: Reading): void {
    const gap = reading.asking && !this.#reading.asking;
    this.#reading = reading;
    if (gap) void this.#ask();
  }

  async #ask(): Promise<void> {
    this.#question += 1;
    const question = this.#question;
    try {
      const snapshot = await this.#host.snapshot();
      this.#fold();
      if (question !== this.#question) return;
      const reading = answered(this.#reading, snapshot);
      this.#reading = reading;
      if (reading.asking) void this.#ask();
    } catch (thrown) {
      if (question === this.#question) this.unreadable = refusal(thrown);
    }
  }

  async #send(command: Promise<void>): Promise<boolean> {
    this.failure = null;
    try {
      await command;
      return true;
    } catch (thrown) {
      this.failure = refusal(thrown);
      return false;
    }
  }
}
