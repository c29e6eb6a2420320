import type { NumericDate } from '@modelgate/core';
import type { AuthorizationDetail } from '@modelgate/scope';
import type { Authorization } from '../grants/grant.ts';

/** A model token, with what its answer and its audit event say about it. */
export interface IssuedToken {
  token: string;
  /** Of the key that signed it. */
  kid: string;
  jti: string;
  expiresAt: NumericDate;
  expiresIn: number;
  scope: string;
  authorizationDetails: AuthorizationDetail[];
}

/** What a token looks like to its bearer and its verifiers. Which permissions it carries has been decided before. */
export abstract class TokenFormat {
  /** @throws OAuthError */
  abstract issue(authorization: Authorization, clientId: string): Promise<IssuedToken>;
}
