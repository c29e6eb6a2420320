import type { CanonicalRequest, Operation } from '@modelgate/protocols';
import type { ModelToken } from '@modelgate/verifier';
import type { RefusedRequest } from './refusal.ts';

/** One request, with what is known about it so far. */
export interface Exchange extends RefusedRequest {
  canonical: CanonicalRequest;
  /** The body, if it had to be read to find the model. */
  body?: Buffer;
}

/** A request that was permitted. */
export interface Admitted {
  exchange: Exchange;
  token: ModelToken;
  /** The encoded token. */
  credential: string;
  operation: Operation;
}
