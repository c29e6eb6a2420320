import { expect, it } from 'vitest';
import { KeysUnavailable, TokenRejected } from './token-rejected.ts';

it('TokenRejected has the reason in its message, and the detail if there is one', () => {
  expect(String(new TokenRejected('expired'))).toBe('TokenRejected: expired');
  expect(String(new TokenRejected('header', 'a member too many'))).toBe('TokenRejected: header: a member too many');
  expect(String(new KeysUnavailable('the keys were never had'))).toBe('KeysUnavailable: the keys were never had');
});
