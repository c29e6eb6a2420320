import { createHash } from 'node:crypto';
import type { KeyState, SigningKey } from './signing-key.ts';

/** The JWKS as served. */
export interface JwksDocument {
  body: Buffer;
  /** A strong entity tag, quotes included (RFC 9110 §8.8.3). */
  etag: string;
  maxAgeSeconds: number;
  kids: readonly string[];
}

/** A key is published before it signs and for as long as something it signed may be in use. */
const published: ReadonlySet<KeyState> = new Set<KeyState>(['STANDBY', 'ACTIVE', 'RETIRING', 'SUSPECT']);

/** The public parts verifiers need (RFC 7517 §5), oldest first, always in the same bytes for the same keys. */
export function jwksDocument(keys: readonly SigningKey[], maxAgeSeconds: number): JwksDocument {
  const listed = keys.filter(({ state }) => published.has(state));
  const body = Buffer.from(JSON.stringify({ keys: listed.map(({ publicJwk }) => publicJwk) }));
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  return { body, etag, maxAgeSeconds, kids: listed.map(({ kid }) => kid) };
}
