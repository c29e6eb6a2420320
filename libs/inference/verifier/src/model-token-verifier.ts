import { maxModelTokenLength, type Clock } from '@modelgate/core';
import { hash, type KeyObject } from 'node:crypto';
import {
  JwksUnavailable,
  JwsError,
  parseCompactJws,
  verifySignature,
  type CompactJws,
  type JwksManager,
} from '@modelgate/jwt';
import { hasExpired, readClaims, type ClaimRules } from './claims.ts';
import { GrantReader } from './grant-reader.ts';
import type { ModelToken, RevocationView } from './model-token.ts';
import { KeysUnavailable, TokenRejected } from './token-rejected.ts';
import { VerifiedTokens } from './verified-tokens.ts';

export interface ModelTokenVerifierOptions extends ClaimRules {
  keys: Pick<JwksManager, 'peek' | 'find'>;
  revocations: RevocationView;
  clock: Clock;
  /** Default: only ES256. */
  algorithms?: readonly string[];
  /** Number of verified tokens to remember; default 10 000. */
  cacheSize?: number;
}

/**
 * The header members of a model token. Any other member would ask for processing that is not implemented (RFC 8725
 * §3.10).
 */
const headerMembers = new Set(['typ', 'alg', 'kid']);

/**
 * Key IDs are RFC 7638 thumbprints. This grammar excludes every character with a meaning in a path, a query or a log.
 */
const kidGrammar = /^[A-Za-z0-9._-]{1,128}$/;

/**
 * Verifies model tokens (RFC 9068 §4, RFC 8725). A verified token is remembered under the SHA-256 of its encoded form.
 * Its expiry, its revocation and whether its key is still published are checked on every use.
 */
export class ModelTokenVerifier {
  readonly #options: ModelTokenVerifierOptions;
  readonly #algorithms: readonly string[];
  readonly #verified: VerifiedTokens;
  readonly #grants: GrantReader;

  constructor(options: ModelTokenVerifierOptions) {
    this.#options = options;
    this.#algorithms = options.algorithms ?? ['ES256'];
    this.#grants = new GrantReader(options.audience);
    this.#verified = new VerifiedTokens(options.cacheSize ?? 10_000);
  }

  /**
   * Returns the token if it was verified before and is still acceptable. Otherwise returns undefined, and `verify` must
   * be called, which also reports the reason. Synchronous, because most requests carry a token that is already known.
   */
  cached(token: string): ModelToken | undefined {
    return token.length > maxModelTokenLength ? undefined : this.#recall(digestOf(token));
  }

  /** @throws TokenRejected, KeysUnavailable */
  async verify(token: string): Promise<ModelToken> {
    const jws = parse(token);
    const digest = digestOf(token);
    const remembered = this.#recall(digest);
    if (remembered) return remembered;
    const { alg, kid } = this.#readHeader(jws.header);
    const key = await this.#verifySignature(jws, alg, kid);
    const { clock, revocations } = this.#options;
    const value = readClaims(jws.payload, { kid, now: clock.seconds() }, this.#options, this.#grants);
    if (revocations.isRevoked(value)) throw new TokenRejected('revoked');
    this.#verified.set(digest, { value, alg, key });
    return value;
  }

  #recall(digest: string): ModelToken | undefined {
    const entry = this.#verified.get(digest);
    if (!entry) return undefined;
    const { clock, skewSeconds, keys, revocations } = this.#options;
    const { value, alg, key } = entry;
    const stillGood =
      !hasExpired(value, skewSeconds, clock.seconds()) &&
      // Compare the key objects, not only the kid: a different key under the same kid has not verified this token.
      keys.peek(value.kid, alg) === key &&
      !revocations.isRevoked(value);
    return stillGood ? value : undefined;
  }

  #readHeader(header: CompactJws['header']): { alg: string; kid: string } {
    const stranger = Object.keys(header).find((name) => !headerMembers.has(name));
    if (stranger !== undefined) throw new TokenRejected('header', 'a member that is not typ, alg or kid');
    const { typ, kid } = header;
    // The issuer writes exactly this spelling; the other spellings of the media type (RFC 7515 §4.1.9) are refused.
    if (typ !== 'at+jwt') throw new TokenRejected('typ');
    const alg = this.#algorithms.find((known) => known === header['alg']);
    if (alg === undefined) throw new TokenRejected('alg');
    if (typeof kid !== 'string' || !kidGrammar.test(kid)) throw new TokenRejected('kid');
    return { alg, kid };
  }

  async #verifySignature(jws: CompactJws, alg: string, kid: string): Promise<KeyObject> {
    const { keys } = this.#options;
    const key =
      keys.peek(kid, alg) ??
      (await keys.find(kid, alg).catch((cause: unknown) => {
        if (cause instanceof JwksUnavailable)
          throw new KeysUnavailable('the issuer’s keys are not available', { cause });
        throw cause;
      }));
    if (!key) throw new TokenRejected('unknown_kid');
    if (!verifySignature(jws, alg, key)) throw new TokenRejected('signature');
    return key;
  }
}

function digestOf(token: string): string {
  return hash('sha256', token, 'binary');
}

function parse(token: string): CompactJws {
  try {
    return parseCompactJws(token, maxModelTokenLength);
  } catch (cause) {
    if (cause instanceof JwsError) throw new TokenRejected('malformed', cause.reason, { cause });
    throw cause;
  }
}
