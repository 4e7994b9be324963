/** Where this device's secret can be stored, and what to show if the keyring does not accept it. */
import type { Problem } from './contract';

/** The prefixes of the host's codes that mean that the system's keyring did not accept the secret, for any reason. */
export const KEYRING_CODES = 'keyring_';

export function isKeyringProblem(problem: Problem | null): problem is Problem {
  return problem !== null && problem.code.startsWith(KEYRING_CODES);
}
