import type { Problem } from './contract';
import { translate } from './i18n.svelte';

/** A refused command as `{ code, message }`, whatever shape it was thrown in. */
export function refusal(thrown: unknown): Problem {
  if (typeof thrown === 'object' && thrown !== null) {
    const { code, message } = thrown as Partial<Record<keyof Problem, unknown>>;
    if (typeof code === 'string' && typeof message === 'string') return { code, message };
  }
  return { code: 'unexpected', message: translate('unexpected') };
}
