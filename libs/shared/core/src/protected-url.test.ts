import { expect, it } from 'vitest';
import { isProtectedUrl } from './protected-url.ts';

it.each([
  ['https://tokens.example.com', true],
  ['http://localhost:8080', true],
  ['http://127.0.0.1', true],
  ['http://127.1', true],
  ['http://[::1]:8080', true],
  ['http://tokens.example.com', false],
  ['http://localhost.example.com', false],
  ['http://127.0.0.1.example.com', false],
  ['ftp://localhost', false],
  ['file:///etc/passwd', false],
])('%s is protected: %s', (url, expected) => {
  expect(isProtectedUrl(new URL(url))).toBe(expected);
});
