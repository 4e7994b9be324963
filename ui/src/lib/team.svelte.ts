/**
 * The team as the window knows it: read when it is opened, when the host says that it changed, and now and then while
 * somebody looks at it, for the hub tells no client when a third one joins.
 *
 * Owns when to read. Decides nothing about what is shown.
 */
import type { Problem, TeamPane } from './contract';
import type { Host } from './host';
import { refusal } from './refusal';

/** Between two readings while the page is open. */
const AGAIN_MS = 10_000;

export class Team {
  pane = $state.raw<TeamPane | null>(null);
  /** Why the last reading failed. What was read before stays, and may be so no longer. */
  problem = $state.raw<Problem | null>(null);
  #host: Host;
  /** Numbers the readings, so that an answer that was overtaken is recognised. */
  #reading = 0;

  constructor(host: Host) {
    this.#host = host;
  }

  /** How many ask to be let in. */
  get asking(): number {
    return this.pane?.requests.length ?? 0;
  }

  /** Reads, and follows what the host says. Gives what stops it. */
  start(): () => void {
    let stop = () => {};
    let gone = false;
    void this.#host.listen('team', () => void this.read()).then(
      (end) => {
        stop = end;
        if (gone) end();
      },
      () => {},
    );
    void this.read();
    return () => {
      gone = true;
      this.#reading += 1;
      this.pane = null;
      this.problem = null;
      stop();
    };
  }

  /** Reads again and again while somebody looks. Gives what stops it. */
  watch(): () => void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let over = false;
    const look = async () => {
      clearTimeout(timer);
      if (over || document.hidden) return;
      await this.read();
      clearTimeout(timer);
      if (!over) timer = setTimeout(look, AGAIN_MS);
    };
    document.addEventListener('visibilitychange', look);
    void look();
    return () => {
      over = true;
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', look);
    };
  }

  async read(): Promise<void> {
    this.#reading += 1;
    const reading = this.#reading;
    try {
      const pane = await this.#host.team();
      if (reading !== this.#reading) return;
      this.pane = pane;
      this.problem = null;
    } catch (thrown) {
      if (reading === this.#reading) this.problem = refusal(thrown);
    }
  }
}
