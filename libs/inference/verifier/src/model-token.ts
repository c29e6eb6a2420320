import type { NumericDate } from '@modelgate/core';
import type { ModelGrant } from '@modelgate/scope';

/** A verified model token, reduced to what deciding needs. Immutable: one object serves every request of its token. */
export interface ModelToken {
  issuer: string;
  subject: string;
  clientId: string;
  jti: string;
  kid: string;
  grants: readonly ModelGrant[];
  /** Which policy it was issued under; absent in tokens of an issuer that is not ours. */
  policy?: string;
  policyVersion?: number;
  issuedAt: NumericDate;
  expiresAt: NumericDate;
}

/** What was revoked, as far as this process knows. Answers from memory, on every request. */
export abstract class RevocationView {
  abstract isRevoked(token: ModelToken): boolean;
}
