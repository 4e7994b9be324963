/** One thing that a part asks of the host. What goes wrong with it is shown where it was asked, and nowhere else. */
import type { Problem } from './contract';
import { refusal } from './refusal';

export class HostCall {
  busy = $state(false);
  problem = $state.raw<Problem | null>(null);

  /** Whether it was done; of its answer is told on the way. Asked once more while it is busy, it does nothing. */
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
