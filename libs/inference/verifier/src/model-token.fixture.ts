import { Clock } from '@modelgate/core';
import type { HttpAnswer, HttpGet } from '@modelgate/jwt';
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

export const issuer = 'https://tokens.example.com';
export const audience = 'https://models.example.com';
export const startOfTime = 1_800_000_000;

/** A clock that stands still until it is moved. */
export class StillClock extends Clock {
  milliseconds = startOfTime * 1000;

  override now(): number {
    return this.milliseconds;
  }

  advance(seconds: number): void {
    this.milliseconds += seconds * 1000;
  }
}

/** An ES256 key pair that signs any claims. */
export class SigningKey {
  readonly kid: string;
  readonly publicKey: KeyObject;
  readonly #privateKey: KeyObject;

  constructor(kid: string) {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.kid = kid;
    this.publicKey = pair.publicKey;
    this.#privateKey = pair.privateKey;
  }

  get jwk(): Record<string, unknown> {
    return { ...this.publicKey.export({ format: 'jwk' }), kid: this.kid, alg: 'ES256', use: 'sig' };
  }

  /**
   *
   * @param header and claims are merged into those of a valid token; a member set to undefined is omitted
   */
  token(claims: object = {}, header: object = {}): string {
    return this.sign({ typ: 'at+jwt', alg: 'ES256', kid: this.kid, ...header }, { ...goodClaims(), ...claims });
  }

  sign(header: object, payload: object): string {
    return this.signText(JSON.stringify(header), JSON.stringify(payload));
  }

  signText(header: string, payload: string): string {
    const input = [header, payload].map((part) => Buffer.from(part).toString('base64url')).join('.');
    const signature = sign('sha256', Buffer.from(input), { key: this.#privateKey, dsaEncoding: 'ieee-p1363' });
    return `${input}.${signature.toString('base64url')}`;
  }
}

export function goodClaims(): Record<string, unknown> {
  return {
    iss: issuer,
    sub: 'keycloak-prod|8f0c',
    aud: audience,
    client_id: 'batch-scorer',
    iat: startOfTime,
    exp: startOfTime + 900,
    jti: 'a0b1',
    scope: 'fraud/iris:predict fraud/iris:explain',
    authorization_details: [{ type: 'kserve_inference', models: ['fraud/iris'], actions: ['predict', 'explain'] }],
    policy: 'fraud-batch',
    policy_version: 3,
  };
}

export function answer(document: unknown, headers: Record<string, string> = {}, status = 200): HttpAnswer {
  return { status, headers: new Headers(headers), body: Buffer.from(JSON.stringify(document)) };
}

/** A key source whose keys can be replaced. It counts its lookups. */
export class Jwks {
  asked = 0;
  keys: readonly SigningKey[];
  down = false;

  constructor(...keys: readonly SigningKey[]) {
    this.keys = keys;
  }

  readonly get: HttpGet = async () => {
    this.asked++;
    return this.down ? answer({}, {}, 503) : answer({ keys: this.keys.map(({ jwk }) => jwk) });
  };
}
