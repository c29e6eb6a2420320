import type { SigningPair } from '@modelgate/testing';
import { createHmac } from 'node:crypto';
import type { HttpAnswer } from './http-get.ts';

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

export const jwks = (...keys: readonly SigningPair[]): { keys: unknown[] } => ({
  keys: keys.map(({ publicJwk }) => publicJwk),
});
