import type { NumericDate } from '@modelgate/core';
import type { TokenType } from '@modelgate/oauth';

/** A verified subject or actor token, reduced to what policy and minting may use. */
export interface Subject {
  /** TrustedIssuer id. */
  issuer: string;
  /** The token's `sub`; for a token without one, `client:` and its `azp`. */
  sub: string;
  /** The client the token was issued to: `azp`, else `client_id`. */
  authorizedParty?: string;
  expiresAt: NumericDate;
  /** All verified claims, for policy matching. */
  claims: Readonly<Record<string, unknown>>;
  /** RFC 8693 §4.1 and §4.4, as the token carried them. */
  act?: Readonly<Record<string, unknown>>;
  mayAct?: Readonly<Record<string, unknown>>;
  /** Whether the token is bound to a key (`cnf`, or Keycloak's payload typ DPoP). */
  senderConstrained: boolean;
}

/** Verifies tokens of the trusted issuers. One implementation dispatches over the kinds of issuers. */
export abstract class SubjectTokenVerifier {
  /**
   * @throws OAuthError invalid_request (RFC 8693 §2.2.2) whatever is wrong with the token, the reason in `detail`;
   *   temporarily_unavailable where the issuer's keys cannot be had
   */
  abstract verify(token: string, type: TokenType): Promise<Subject>;
}
