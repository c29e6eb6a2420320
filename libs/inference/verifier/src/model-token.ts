import type { NumericDate } from '@modelgate/core';
import type { ModelGrant } from '@modelgate/scope';

/**
 * A verified model token, reduced to what authorization needs. Immutable: one object serves every request with this
 * token.
 */
export interface ModelToken {
  issuer: string;
  subject: string;
  clientId: string;
  jti: string;
  kid: string;
  grants: readonly ModelGrant[];
  /** The policy under which the token was issued. Absent if the issuer is not Modelgate's token service. */
  policy?: string;
  policyVersion?: number;
  issuedAt: NumericDate;
  expiresAt: NumericDate;
}

/** The revocations known to this process. Answers from memory, on every request. */
export abstract class RevocationView {
  abstract isRevoked(token: ModelToken): boolean;
}
