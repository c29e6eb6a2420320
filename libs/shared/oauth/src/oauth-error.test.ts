import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OAuthError, oauthErrorCodes } from './oauth-error.ts';

describe('OAuthError', () => {
  it.each([
    ['invalid_request', 400],
    ['invalid_client', 401],
    ['unauthorized_client', 400],
    ['unsupported_grant_type', 400],
    ['invalid_scope', 400],
    ['invalid_target', 400],
    ['invalid_authorization_details', 400],
    ['invalid_token', 401],
    ['insufficient_scope', 403],
    ['unsupported_token_type', 400],
    ['temporarily_unavailable', 503],
    ['server_error', 500],
  ] as const)('%s answers %d', (code, status) => {
    expect(new OAuthError(code, 'x').status).toBe(status);
    expect(oauthErrorCodes).toContain(code);
  });

  it('has a description of the characters RFC 6749 §5.2 allows, whatever it is given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(new OAuthError('invalid_request', text).description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/);
      }),
    );
  });

  it('keeps the detail out of description and message', () => {
    const error = new OAuthError('invalid_request', 'public', { detail: 'private', retryAfter: 3, cause: 'why' });
    expect(`${error.message} ${error.description}`).not.toContain('private');
    expect(error).toMatchObject({ detail: 'private', retryAfter: 3, cause: 'why' });
  });
});
