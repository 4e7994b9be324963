/** One request of a component to the host. Its error appears where the request was made, and nowhere else. */
import type { Problem } from './contract';
import { refusal } from './refusal';

export class HostCall {
  busy = $state(false);
  problem = $state.raw<Problem | null>(null);

  /** Runs the request and returns whether it succeeded. A callback receives the answer. Does nothing while busy. */
  async run<T>(command: () => Promise<T>, answered: (answer: T) => void = () => {}): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.problem = null;
    try {
      answered(await command());
      return true;
    } catch (thrown) {
      this.problem = refusal(thrown);
      return false;
    } finally {
      this.busy = false;
    }
  }

  clear(): void {
    this.problem = null;
  }
}
