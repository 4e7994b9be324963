/**
 * The window's store of the team. It reads the team when the page opens and when the host reports a change. While the
 * page is open it also polls, because the hub does not notify clients when somebody else joins.
 *
 * Owns when to read. Decides nothing about what is shown.
 */
import type { Problem, TeamPane } from './contract';
import type { Host } from './host';
import { refusal } from './refusal';

/** The interval between two reads while the page is open. */
const AGAIN_MS = 10_000;

export class Team {
  pane = $state.raw<TeamPane | null>(null);
  /** Why the last read failed. The earlier data stays, and may be out of date. */
  problem = $state.raw<Problem | null>(null);
  #host: Host;
  /** Numbers the reads, to recognize an answer that is out of date. */
  #reading = 0;

  constructor(host: Host) {
    this.#host = host;
  }

  /** The number of people who ask to join. */
  get asking(): number {
    return this.pane?.requests.length ?? 0;
  }

  /** Reads the team, and follows the host's events. Returns a function that stops it. */
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

  /** Reads the team repeatedly while the page is open. Returns a function that stops it. */
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
