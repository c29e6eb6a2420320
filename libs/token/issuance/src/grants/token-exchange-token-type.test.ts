import { TokenType } from '@modelgate/oauth';
import { describe, expect, it } from 'vitest';
import { world } from '../endpoint.fixture.ts';
import { refusedWith } from './token-exchange.fixture.ts';

describe('T10 issued_token_type says what was issued', () => {
  it.each([
    [undefined, TokenType.accessToken],
    [TokenType.accessToken, TokenType.accessToken],
    [TokenType.jwt, TokenType.jwt],
  ])('asked for %s: %s', async (asked, issued) => {
    const answer = await world().exchange(asked === undefined ? {} : { requested_token_type: asked });
    expect(answer).toMatchObject({ issued_token_type: issued, token_type: 'Bearer' });
  });

  it.each([TokenType.idToken, TokenType.refreshToken, TokenType.saml1, TokenType.saml2, 'urn:x'])(
    '%s is refused',
    async (asked) => {
      await expect(world().exchange({ requested_token_type: asked })).rejects.toEqual(refusedWith('invalid_request'));
    },
  );
});
