import type { NumericDate } from '@modelgate/core';
import type { FormParameters, ServerMetadata, TokenType } from '@modelgate/oauth';
import type { AccessPolicy } from '@modelgate/policy';
import type { ModelGrant } from '@modelgate/scope';
import type { AccessSnapshot } from '../access/access-snapshot.ts';
import type { ActorClaim } from './actor-chain.ts';
import type { Learned } from '../attempt.ts';
import type { Client } from '../clients/client.ts';

/** What every grant ends in, and all that minting reads: who may have which permissions, and until when at most. */
export interface Authorization {
  /** The `sub` to issue. */
  subject: string;
  /** TrustedIssuer id. */
  issuer: string;
  policy: AccessPolicy;
  grants: readonly ModelGrant[];
  act?: ActorClaim;
  /** The earliest expiry among the tokens presented. */
  notAfter: NumericDate;
  issuedTokenType: TokenType;
}

/** Who asks, and by what it is decided: one snapshot, from the client's authentication to the token. */
export interface Caller {
  client: Client;
  access: AccessSnapshot;
}

/** One grant type of the token endpoint. It fills in its own part of the pipeline and cannot leave out a shared one. */
export abstract class Grant {
  /** `grant_type` on the wire. */
  abstract readonly grantType: string;
  /** Name of the audit event. */
  abstract readonly action: string;
  /** What it adds to the server's metadata beside its grant type. */
  readonly metadata: Partial<ServerMetadata> = {};

  /**
   * Yields what it finds out as soon as it is certain, so that a refusal is written down with all that was known.
   *
   * @throws OAuthError
   */
  abstract authorize(form: FormParameters, caller: Caller): AsyncGenerator<Learned, Authorization>;
}
