/**
 * The window's only store: it listens to the host, folds updates and sends the person's requests.
 *
 * Owns when to request a snapshot. Decides nothing else: `fold.ts` folds, and `words.ts` makes texts.
 */
import type { Problem, Update } from './contract';
import { answered, heardSnapshot, heardUpdates, unread, type Reading, type View } from './fold';
import type { Choice, Host } from './host';
import { refusal } from './refusal';

/** A hidden window has no frames; this timer folds updates then, so that they do not pile up. */
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
  /** Raw: it is replaced and never modified, so deep proxies would only cost time. */
  #reading = $state.raw<Reading>(unread);
  /** The error of the last request. */
  failure = $state.raw<Problem | null>(null);
  /** Why there is no view at all. */
  unreadable = $state.raw<Problem | null>(null);
  #host: Host;
  /** Updates since the last frame. Without a frame to wait for, each is folded at once. */
  #heard: Update[] = [];
  #frame = false;
  /** Numbers the requests, to recognize an answer that is out of date. */
  #question = 0;

  constructor(host: Host) {
    this.#host = host;
  }

  get view(): View | null {
    return this.#reading.view;
  }

  /** Listens first and requests then, so that no update is lost in between. Returns a function that stops it. */
  start(): () => void {
    let stopped = false;
    let stop = () => {};
    void this.#host
      .hear(
        (snapshot) => {
          this.#question += 1;
          // They come before the snapshot in the order of updates.
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

  /** Makes the status follow the device's activity again. */
  clearChosen(): Promise<boolean> {
    return this.#send(this.#host.clearChosen());
  }

  reconnectNow(): Promise<boolean> {
    return this.#send(this.#host.reconnectNow());
  }

  lookAround(): Promise<boolean> {
    return this.#send(this.#host.lookAround());
  }

  /** Sends a message or a knock to one person. */
  signal(say: (host: Host) => Promise<void>): Promise<boolean> {
    return this.#send(say(this.#host));
  }

  /** A key was pressed, or typing ended. A failure here is not shown, because nobody requested anything. */
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

  /** Collects updates until the next frame, so that the list is drawn once for all of them. */
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
