import { expect, it } from 'vitest';
import { StoreUnavailable } from './index.ts';

it('is told apart from every other failure, and keeps what caused it', () => {
  const cause = new Error('connect ECONNREFUSED');
  const error: unknown = new StoreUnavailable('the database does not answer', { cause });
  expect(error).toBeInstanceOf(StoreUnavailable);
  expect(error).toMatchObject({ name: 'StoreUnavailable', message: 'the database does not answer', cause });
  expect(new Error('x')).not.toBeInstanceOf(StoreUnavailable);
});
