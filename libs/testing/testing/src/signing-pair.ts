import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

/** An ES256 key pair that signs compact JWS of any content. */
export class SigningPair {
  readonly kid: string;
  readonly publicJwk: Readonly<Record<string, unknown>>;
  readonly #privateKey: KeyObject;

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { crv, kty, x, y } = publicKey.export({ format: 'jwk' });
    this.kid = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
    this.publicJwk = { crv, kty, x, y, kid: this.kid, alg: 'ES256', use: 'sig' };
    this.#privateKey = privateKey;
  }

  /** @param header and payload as given, whatever they say */
  sign(header: object, payload: object): string {
    const input = [header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    const signature = sign('sha256', Buffer.from(input), { key: this.#privateKey, dsaEncoding: 'ieee-p1363' });
    return `${input}.${signature.toString('base64url')}`;
  }
}
