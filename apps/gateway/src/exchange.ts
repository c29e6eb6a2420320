import type { CanonicalRequest, Operation } from '@modelgate/protocols';
import type { ModelToken } from '@modelgate/verifier';
import type { RefusedRequest } from './refusal.ts';

/** One request on its way through, and what is known of it so far. */
export interface Exchange extends RefusedRequest {
  canonical: CanonicalRequest;
  /** The body, if it had to be read to know what is wanted. */
  body?: Buffer;
}

/** One that nobody has refused. */
export interface Admitted {
  exchange: Exchange;
  token: ModelToken;
  /** The text of the token. */
  credential: string;
  operation: Operation;
}
