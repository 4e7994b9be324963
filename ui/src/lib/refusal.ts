import type { Problem } from './contract';

/** A refused command as `{ code, message }`, whatever shape it was thrown in. */
export function refusal(thrown: unknown): Problem {
  if (typeof thrown === 'object' && thrown !== null) {
    const { code, message } = thrown as Partial<Record<keyof Problem, unknown>>;
    if (typeof code === 'string' && typeof message === 'string') return { code, message };
  }
  return {
    code: 'unexpected',
    message: 'Porchlight could not do that. Try again; if it goes on, quit Porchlight and start it again.',
  };
}
