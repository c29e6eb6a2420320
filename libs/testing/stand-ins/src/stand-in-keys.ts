import { randomBytes, randomUUID } from 'node:crypto';
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  jwtVerify,
  SignJWT,
  type CryptoKey,
  type JWK,
  type JWTPayload,
} from 'jose';

interface SigningKey {
  kid: string;
  alg: 'RS256' | 'ES256';
  privateKey: CryptoKey;
  jwk: JWK;
}

/** The keys of the stand-in's realm, as Keycloak has them: RS256 for most, ES256 for some, one for encryption only. */
export class StandInKeys {
  readonly #signing: SigningKey[];
  readonly #encryption: JWK;
  // Refresh tokens are the provider's own business: an HMAC key that is never published.
  readonly #refreshSecret = randomBytes(64);
  readonly #refreshKid = randomUUID();

  private constructor(signing: SigningKey[], encryption: JWK) {
    this.#signing = signing;
    this.#encryption = encryption;
  }

  static async generate(): Promise<StandInKeys> {
    const { privateKey } = await generateKeyPair('RSA-OAEP', { extractable: true });
    const encryption = { ...(await exportJWK(privateKey)), use: 'enc', alg: 'RSA-OAEP' };
    return new StandInKeys([await signingKey('RS256'), await signingKey('ES256')], encryption);
  }

  /** The private set, which the provider publishes without its private parts. */
  jwks(): { keys: JWK[] } {
    return { keys: [...this.#signing.map((key) => key.jwk), this.#encryption] };
  }

  /** The next RS256 token is signed with a new key; the old one stays published. */
  async rotate(): Promise<{ kid: string }> {
    const key = await signingKey('RS256');
    this.#signing.unshift(key);
    return { kid: key.kid };
  }

  sign(payload: JWTPayload, { alg = 'RS256', typ = 'JWT' } = {}): Promise<string> {
    const key = this.#signing.find((candidate) => candidate.alg === alg);
    if (!key) throw new Error(`the stand-in has no key for ${alg}`);
    return new SignJWT(payload).setProtectedHeader({ alg, typ, kid: key.kid }).sign(key.privateKey);
  }

  signRefreshToken(payload: JWTPayload): Promise<string> {
    const header = { alg: 'HS512', typ: 'JWT', kid: this.#refreshKid };
    return new SignJWT(payload).setProtectedHeader(header).sign(this.#refreshSecret);
  }

  /** @throws where it is none of ours or has expired */
  async readRefreshToken(token: string): Promise<JWTPayload> {
    const { payload } = await jwtVerify(token, this.#refreshSecret, { algorithms: ['HS512'] });
    return payload;
  }
}

async function signingKey(alg: SigningKey['alg']): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(privateKey);
  const kid = await calculateJwkThumbprint(jwk);
  return { kid, alg, privateKey, jwk: { ...jwk, kid, alg, use: 'sig' } };
}
