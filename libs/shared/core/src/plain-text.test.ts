import { describe, expect, it } from 'vitest';
import { maxClaimLength } from './bounds.ts';
import { isPlainText } from './plain-text.ts';

describe('plain text', () => {
  it.each(['keycloak|8f0c', 'süß', 'x'.repeat(maxClaimLength)])('is %s', (text) =>
    expect(isPlainText(text)).toBe(true),
  );

  it.each(['', 'x'.repeat(maxClaimLength + 1), 'a\0', 'a\nb', '\u2028', '\ud800', 7, undefined])('is not %j', (value) =>
    expect(isPlainText(value)).toBe(false),
  );
});
