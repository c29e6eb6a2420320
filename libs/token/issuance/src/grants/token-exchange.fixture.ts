/**
 * What the tests of `token-exchange-*.test.ts` expect of a refusal. T1 to T12 are the ways in which token services
 * were broken before, each as tests that fail when this one can be.
 */
import { expect } from 'vitest';

export const refusedWith = (code: string) => expect.objectContaining({ code });
export const unacceptable = expect.objectContaining({
  code: 'invalid_request',
  description: 'the subject or actor token is not acceptable',
});
