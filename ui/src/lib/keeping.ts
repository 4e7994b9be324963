/** Where the secret that lets this device in can be kept, and what to say where the keyring does not take it. */
import type { Problem } from './contract';

/** The codes by which the host says that the system's keyring did not take it. */
export const KEYRING: readonly string[] = ['keyring_missing', 'keyring_locked', 'keyring_refused'];

export function isAboutKeyring(problem: Problem | null): problem is Problem {
  return problem !== null && KEYRING.includes(problem.code);
}
