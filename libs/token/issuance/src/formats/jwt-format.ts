import {
  isPlainText,
  maxClaimLength,
  maxModelTokenLength,
  maxTokenLifeSeconds,
  type Clock,
  type NumericDate,
} from '@modelgate/core';
import { randomUUID } from 'node:crypto';
import type { Signer } from '@modelgate/keys';
import { OAuthError } from '@modelgate/oauth';
import { formatAuthorizationDetails, formatScope } from '@modelgate/scope';
import { unacceptableToken } from '../grants/actor-chain.ts';
import type { Authorization } from '../grants/grant.ts';
import { TokenFormat, type IssuedToken } from './token-format.ts';

/** Where the key that signs now comes from. `KeyRing` is one. */
export interface Minting {
  /** Throws while there is none. */
  signer(): Signer;
  /** Waited for before that: where there is none only because this process stood still, there may be one afterwards. */
  wake?(): Promise<void> | undefined;
}

export interface JwtFormatOptions {
  minting: Minting;
  clock: Clock;
  /** `iss`. */
  issuer: string;
  /** `aud`. */
  audience: string;
  /** The life of a token, unless its policy says less. */
  defaultTtlSeconds: number;
  randomJti?: () => string;
}

/** A token that would expire on its way to the model is worth less than an error that says so. */
const shortestLife = 5;

/** A JWT access token (RFC 9068), signed by the key that signs now. */
export class JwtFormat extends TokenFormat {
  readonly #options: JwtFormatOptions;
  readonly #randomJti: () => string;
  #header: { kid: string; alg: string; encoded: string } | undefined;

  constructor(options: JwtFormatOptions) {
    super();
    if (!Number.isInteger(options.defaultTtlSeconds) || options.defaultTtlSeconds < 1) {
      throw new RangeError('defaultTtlSeconds must be a whole number of seconds, at least 1');
    }
    this.#options = options;
    this.#randomJti = options.randomJti ?? randomUUID;
  }

  /**
   * @throws OAuthError invalid_request where the subject token is about to expire or its subject is nothing a verifier takes,
   * invalid_scope where the token would be longer than verifiers take, temporarily_unavailable without a key
   */
  override async issue(authorization: Authorization, clientId: string): Promise<IssuedToken> {
    const waking = this.#options.minting.wake?.();
    if (waking) await waking;
    return this.#sign(authorization, clientId);
  }

  #sign(authorization: Authorization, clientId: string): IssuedToken {
    const { clock, issuer, audience } = this.#options;
    refuseUnreadable(authorization);
    const signer = this.#signer();
    const iat = clock.seconds();
    const exp = this.#expiry(authorization, signer, iat);
    const { policy, grants, act } = authorization;
    const jti = this.#randomJti();
    const scope = formatScope(grants);
    const authorizationDetails = formatAuthorizationDetails(grants);
    const payload = encode({
      iss: issuer,
      sub: authorization.subject,
      aud: audience,
      client_id: clientId,
      iat,
      exp,
      jti,
      scope,
      authorization_details: authorizationDetails,
      policy: policy.name,
      policy_version: policy.version,
      ...(act && { act }),
    });
    const signingInput = `${this.#encodedHeader(signer)}.${payload}`;
    const signature = signer.sign(signingInput).toString('base64url');
    const token = `${signingInput}.${signature}`;
    if (token.length > maxModelTokenLength) throw tooLong(token.length);
    return {
      token,
      kid: signer.kid,
      jti,
      expiresAt: exp,
      expiresIn: exp - iat,
      scope,
      authorizationDetails,
    };
  }

  #signer(): Signer {
    try {
      return this.#options.minting.signer();
    } catch (cause) {
      throw noKey(cause instanceof Error ? `no key may sign: ${cause.message}` : 'no key may sign', cause);
    }
  }

  #expiry({ policy, notAfter }: Authorization, { verifyNotAfter }: Signer, now: NumericDate): NumericDate {
    const life = Math.min(policy.maxTtl, this.#options.defaultTtlSeconds, maxTokenLifeSeconds);
    const needed = Math.min(shortestLife, life);
    const exp = Math.floor(Math.min(now + life, notAfter, verifyNotAfter));
    if (exp - now >= needed) return exp;
    if (Math.floor(notAfter) - now >= needed) throw noKey('the signing key is about to end');
    throw new OAuthError('invalid_request', unacceptableToken, { detail: 'the token is about to expire' });
  }

  #encodedHeader({ kid, alg }: Signer): string {
    if (this.#header?.kid !== kid || this.#header.alg !== alg) {
      this.#header = { kid, alg, encoded: encode({ typ: 'at+jwt', alg, kid }) };
    }
    return this.#header.encoded;
  }
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

/** What no verifier would accept is not signed. */
function refuseUnreadable({ subject }: Authorization): void {
  if (isPlainText(subject)) return;
  const detail = `the subject is longer than ${maxClaimLength} characters or has control characters`;
  throw new OAuthError('invalid_request', unacceptableToken, { detail });
}

function tooLong(length: number): OAuthError {
  return new OAuthError(
    'invalid_scope',
    `the token would have ${length} characters, and gateways take ${maxModelTokenLength}; ask for fewer models`,
  );
}

function noKey(detail: string, cause?: unknown): OAuthError {
  return new OAuthError('temporarily_unavailable', 'no token can be signed at the moment', {
    detail,
    retryAfter: 5,
    cause,
  });
}
