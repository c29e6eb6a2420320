import type { NumericDate } from '@modelgate/core';
import {
  JwsError,
  parseCompactJws,
  readTokenTimes,
  TokenTimeError,
  verificationKey,
  verifySignature,
  type CompactJws,
  type TimeProblem,
  type VerificationKey,
} from '@modelgate/jwt';
import type { JWK } from 'jose';
import type { Client } from './client.ts';

/** Why an assertion is not accepted; for the log alone. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

export interface AssertionRules {
  /** Who we are to the client: our issuer URL and our token endpoint; `aud` is one of them and nothing else. */
  audiences: readonly string[];
  now: NumericDate;
}

type KeyedClient = Extract<Client, { authentication: 'private_key_jwt' }>;

const longestAssertion = 8192;
const longestLife = 300;
const skew = 30;

/** Asymmetric only: what we know of the client's key is no secret. */
export const assertionAlgorithms: readonly string[] = ['ES256', 'ES384', 'RS256', 'PS256', 'EdDSA'];

/** Other kinds of JWT say so in `typ`; an access token is not an assertion, whoever signed it. */
const acceptedTypes = new Set(['jwt', 'client-authentication+jwt', 'application/client-authentication+jwt']);

/** Takes an assertion apart. @throws AssertionError */
export function parseAssertion(assertion: string): CompactJws {
  try {
    return parseCompactJws(assertion, longestAssertion);
  } catch (cause) {
    if (cause instanceof JwsError) throw new AssertionError(cause.reason, { cause });
    throw cause;
  }
}

/**
 * Verifies a client assertion (RFC 7523 §3): signature by a registered key, `iss` and `sub` being the client, `aud` being
 * us alone, a short life.
 *
 * @returns what its single use is remembered by
 * @throws AssertionError
 */
export function verifyAssertion(
  jws: CompactJws,
  client: KeyedClient,
  rules: AssertionRules,
): { jti: string; expiresAt: NumericDate } {
  const { alg, kid, typ, crit } = jws.header;
  if (typeof alg !== 'string' || !assertionAlgorithms.includes(alg)) throw new AssertionError('alg is not accepted');
  if (crit !== undefined) throw new AssertionError('crit is not understood');
  if (typ !== undefined && (typeof typ !== 'string' || !acceptedTypes.has(typ.toLowerCase()))) {
    throw new AssertionError('typ is that of another kind of token');
  }
  const named = client.keys.filter((key) => kid === undefined || key.kid === kid);
  const keys = named.map(prepared).filter((key) => key !== undefined);
  if (!keys.some(({ algorithms, key }) => algorithms.includes(alg) && verifySignature(jws, alg, key))) {
    throw new AssertionError('no registered key verifies it');
  }
  return verifyClaims(jws.payload, client.clientId, rules);
}

function verifyClaims(
  claims: CompactJws['payload'],
  clientId: string,
  { audiences, now }: AssertionRules,
): { jti: string; expiresAt: NumericDate } {
  const { iss, sub, aud, jti } = claims;
  if (iss !== clientId || sub !== clientId) throw new AssertionError('iss and sub are not the client');
  const [audience, ...others]: unknown[] = Array.isArray(aud) ? aud : [aud];
  if (typeof audience !== 'string' || others.length > 0 || !audiences.includes(audience)) {
    throw new AssertionError('aud is not this server alone');
  }
  const expiresAt = verifyTimes(claims, now);
  if (typeof jti !== 'string' || jti === '' || jti.length > 256) throw new AssertionError('jti is missing or too long');
  return { jti, expiresAt };
}

/** @returns when it stops being accepted anywhere, clock skew included */
function verifyTimes(claims: CompactJws['payload'], now: NumericDate): NumericDate {
  try {
    const rules = { now, graceSeconds: skew, skewSeconds: skew, maxRemainingSeconds: longestLife };
    return readTokenTimes(claims, rules).expiresAt + skew;
  } catch (error) {
    if (!(error instanceof TokenTimeError)) throw error;
    throw new AssertionError(timeProblems[error.problem]);
  }
}

const timeProblems: Readonly<Record<TimeProblem, string>> = {
  missing: 'exp, iat or nbf is not a time',
  expired: 'it has expired',
  future: 'it is not valid yet',
  lifetime: 'it lives too long',
};

const preparedKeys = new WeakMap<JWK, VerificationKey | undefined>();

/** @returns undefined for a registered key that is unusable or too weak to be trusted */
function prepared(jwk: JWK): VerificationKey | undefined {
  if (!preparedKeys.has(jwk)) {
    // Only a set of several keys needs a kid to tell them apart.
    const key = verificationKey({ ...jwk, kid: jwk.kid ?? 'unnamed' });
    preparedKeys.set(jwk, 'skipped' in key ? undefined : key);
  }
  return preparedKeys.get(jwk);
}
