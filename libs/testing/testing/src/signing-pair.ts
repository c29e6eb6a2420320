import { constants, createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

const curves: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };

/** A key pair that signs compact JWS of any content under one algorithm, and its public JWK. */
export class SigningPair {
  readonly alg: string;
  readonly kid: string;
  readonly publicKey: KeyObject;
  readonly publicJwk: Readonly<Record<string, unknown>>;
  readonly privateKey: KeyObject;

  /** @param kid by default the key's thumbprint (RFC 7638) */
  constructor(alg = 'ES256', kid?: string) {
    const { publicKey, privateKey } = generate(alg);
    const jwk = publicKey.export({ format: 'jwk' });
    this.alg = alg;
    this.kid = kid ?? thumbprint(jwk);
    this.publicKey = publicKey;
    this.publicJwk = { ...jwk, kid: this.kid, alg, use: 'sig' };
    this.privateKey = privateKey;
  }

  /** A JWT with these claims. @param header is merged into that of a good one; a member that is undefined is left out */
  jwt(claims: object, header: object = {}): string {
    return this.sign({ alg: this.alg, typ: 'JWT', kid: this.kid, ...header }, claims);
  }

  /** @param header and payload as given, whatever they say */
  sign(header: object, payload: object): string {
    return this.signText(JSON.stringify(header), JSON.stringify(payload));
  }

  signText(header: string, payload: string): string {
    const input = [header, payload].map((part) => Buffer.from(part).toString('base64url')).join('.');
    return `${input}.${this.signature(Buffer.from(input)).toString('base64url')}`;
  }

  signature(input: Buffer): Buffer {
    const digest = this.alg === 'EdDSA' ? null : `sha${this.alg.slice(2)}`;
    const key = this.privateKey;
    if (!this.alg.startsWith('PS')) return sign(digest, input, { key, dsaEncoding: 'ieee-p1363' });
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    return sign(digest, input, { key, padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST });
  }
}

function generate(alg: string): { publicKey: KeyObject; privateKey: KeyObject } {
  if (curves[alg]) return generateKeyPairSync('ec', { namedCurve: curves[alg] });
  if (alg === 'EdDSA') return generateKeyPairSync('ed25519');
  return generateKeyPairSync('rsa', { modulusLength: 2048 });
}

function thumbprint(jwk: object): string {
  const members = Object.fromEntries(Object.entries(jwk).toSorted(([one], [other]) => (one < other ? -1 : 1)));
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url');
}
