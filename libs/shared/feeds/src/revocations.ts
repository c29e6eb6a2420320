import { maxFeedBytes, parseStrictJson, type NumericDate } from '@modelgate/core';
import { z } from 'zod';

const schema = z.object({
  version: z.string(),
  tokens: z.array(z.object({ jti: z.string(), exp: z.number() })).readonly(),
  kids: z.array(z.string()).readonly().default([]),
});

/** What was revoked. */
export interface RevocationFeed {
  /** Another one whenever anything else in the feed is. */
  version: string;
  tokens: readonly { jti: string; exp: NumericDate }[];
  /** Keys that nothing may be accepted from any more, before the JWKS is read again. */
  kids: readonly string[];
}

/** @throws RangeError if the feed is longer than gateways read */
export function formatRevocations({ version, tokens, kids }: RevocationFeed): Buffer {
  const body = Buffer.from(JSON.stringify({ version, tokens, kids } satisfies z.input<typeof schema>));
  if (body.length > maxFeedBytes)
    throw new RangeError(`${body.length} bytes of revocations; gateways read ${maxFeedBytes}`);
  return body;
}

/** @throws if the body is anything else than the feed */
export function parseRevocations(body: Uint8Array): RevocationFeed {
  return schema.parse(parseStrictJson(body));
}
