/** Where the secret that lets this device in can be kept, and what to say where the keyring does not take it. */
import type { Problem } from './contract';

/** What the codes begin with by which the host says that the system's keyring did not take it, whatever is wrong. */
export const KEYRING_CODES = 'keyring_';

export function isKeyringProblem(problem: Problem | null): problem is Problem {
  return problem !== null && problem.code.startsWith(KEYRING_CODES);
}
