import type { Problem } from './contract';
import { translate } from './i18n.svelte';

/** Turns any thrown value of a failed command into `{ code, message }`. */
export function refusal(thrown: unknown): Problem {
  if (typeof thrown === 'object' && thrown !== null) {
    const { code, message } = thrown as Partial<Record<keyof Problem, unknown>>;
    if (typeof code === 'string' && typeof message === 'string') return { code, message };
  }
  return { code: 'unexpected', message: translate('unexpected') };
}
