import { expect, it } from 'vitest';
import { KeysUnavailable, TokenRejected } from './token-rejected.ts';

it('says the reason, and the detail where there is one', () => {
  expect(String(new TokenRejected('expired'))).toBe('TokenRejected: expired');
  expect(String(new TokenRejected('header', 'a member too many'))).toBe('TokenRejected: header: a member too many');
  expect(String(new KeysUnavailable('the keys were never had'))).toBe('KeysUnavailable: the keys were never had');
});
