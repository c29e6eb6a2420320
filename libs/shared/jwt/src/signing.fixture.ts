import { Clock } from '@modelgate/core';
import { constants, createHmac, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import type { HttpAnswer } from './http-get.ts';

/** Stands still until it is moved. */
export class StillClock extends Clock {
  milliseconds = 1_800_000_000_000;

  override now(): number {
    return this.milliseconds;
  }

  advance(seconds: number): void {
    this.milliseconds += seconds * 1000;
  }
}

const curves: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };

/** A key pair that signs under one algorithm, and its public JWK. */
export class TestKey {
  readonly alg: string;
  readonly kid: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;

  constructor(alg: string, kid: string, modulusLength = 2048) {
    const pair = curves[alg]
      ? generateKeyPairSync('ec', { namedCurve: curves[alg] })
      : alg === 'EdDSA'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('rsa', { modulusLength });
    this.alg = alg;
    this.kid = kid;
    this.publicKey = pair.publicKey;
    this.privateKey = pair.privateKey;
  }

  get jwk(): Record<string, unknown> {
    return { ...this.publicKey.export({ format: 'jwk' }), kid: this.kid, alg: this.alg, use: 'sig' };
  }

  sign(payload: object, header: object = {}): string {
    const input = encode({ typ: 'JWT', alg: this.alg, kid: this.kid, ...header }, payload);
    return `${input}.${this.signature(Buffer.from(input)).toString('base64url')}`;
  }

  signature(input: Buffer): Buffer {
    const digest = this.alg === 'EdDSA' ? null : `sha${this.alg.slice(2)}`;
    if (this.alg.startsWith('PS')) {
      const padding = constants.RSA_PKCS1_PSS_PADDING;
      return sign(digest, input, { key: this.privateKey, padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST });
    }
    return sign(digest, input, { key: this.privateKey, dsaEncoding: 'ieee-p1363' });
  }
}

export function encode(header: object, payload: object): string {
  return [header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
}

export function hmacToken(header: object, payload: object, secret: string | Uint8Array): string {
  const input = encode(header, payload);
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

export function answer(document: unknown, headers: Record<string, string> = {}, status = 200): HttpAnswer {
  return { status, headers: new Headers(headers), body: Buffer.from(JSON.stringify(document)) };
}

export const jwks = (...keys: readonly TestKey[]): { keys: unknown[] } => ({ keys: keys.map(({ jwk }) => jwk) });
