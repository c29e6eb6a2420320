import type { Clock, NumericDate } from '@modelgate/core';
import { maxModelTokenLength } from '@modelgate/core';
import { JwsError, parseCompactJws, verificationKey, verifySignature, type CompactJws } from '@modelgate/jwt';
import type { SigningKey } from '@modelgate/keys';

/** Our own signing keys, every one that may have signed a token that has not expired. `KeyRing` is one. */
export interface OwnKeys {
  keys(): readonly Pick<SigningKey, 'kid' | 'alg' | 'publicJwk'>[];
}

/** What a model token of ours says of itself. */
export interface OwnToken {
  jti: string;
  exp: NumericDate;
  clientId: string;
  subject: string;
}

/** Reads the tokens that this issuer has signed, for whatever endpoint is handed one. */
export class OwnTokens {
  readonly #options: { keys: OwnKeys; clock: Clock; issuer: string };

  /** @param options.issuer our own issuer URL */
  constructor(options: { keys: OwnKeys; clock: Clock; issuer: string }) {
    this.#options = options;
  }

  /** Undefined for whatever is no live token of ours. */
  read(token: string): OwnToken | undefined {
    const jws = parse(token);
    if (!jws || !this.#isSignedByUs(jws)) return undefined;
    const { iss, jti, exp, client_id: clientId, sub: subject } = jws.payload;
    const { issuer, clock } = this.#options;
    if (iss !== issuer || typeof exp !== 'number' || exp <= clock.seconds()) return undefined;
    if (typeof jti !== 'string' || typeof clientId !== 'string' || typeof subject !== 'string') return undefined;
    return { jti, exp, clientId, subject };
  }

  #isSignedByUs(jws: CompactJws): boolean {
    const { kid, alg, typ } = jws.header;
    const own = this.#options.keys.keys().find((candidate) => candidate.kid === kid && candidate.alg === alg);
    if (!own || typ !== 'at+jwt') return false;
    const key = verificationKey({ ...own.publicJwk, kid: own.kid });
    return !('skipped' in key) && verifySignature(jws, own.alg, key.key);
  }
}

function parse(token: string): CompactJws | undefined {
  try {
    return parseCompactJws(token, maxModelTokenLength);
  } catch (error) {
    if (error instanceof JwsError) return undefined;
    throw error;
  }
}
