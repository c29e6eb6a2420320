import { createHash } from 'node:crypto';
import { isPublished, type SigningKey } from './signing-key.ts';

/** The JWKS as served. */
export interface JwksDocument {
  body: Buffer;
  /** A strong entity tag, quotes included (RFC 9110 §8.8.3). */
  etag: string;
  maxAgeSeconds: number;
  kids: readonly string[];
  /** The algorithms of its keys, for metadata: what verifiers are told and what they find is the same. */
  algs: readonly string[];
}

/** The public parts verifiers need (RFC 7517 §5), oldest first, always in the same bytes for the same keys. */
export function jwksDocument(keys: readonly SigningKey[], maxAgeSeconds: number): JwksDocument {
  const listed = keys.filter(isPublished);
  const body = Buffer.from(JSON.stringify({ keys: listed.map(publicPart) }));
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  return {
    body,
    etag,
    maxAgeSeconds,
    kids: listed.map(({ kid }) => kid),
    algs: [...new Set(listed.map(({ alg }) => alg))],
  };
}

/** Member by member: whatever else a row's JWK may hold, a private member among it, stays behind. */
function publicPart({ publicJwk, kid, alg }: SigningKey): Record<string, string> {
  const { kty, crv, x, y, n, e } = publicJwk;
  const present = Object.entries({ kty, crv, x, y, n, e }).filter((entry): entry is [string, string] => !!entry[1]);
  return { ...Object.fromEntries(present), kid, alg, use: 'sig' };
}
