import { ManualClock } from '@modelgate/testing';
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { parseForm } from '@modelgate/oauth';
import type { JWK } from 'jose';
import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryAssertionIds } from './memory-assertion-ids.ts';
import { ClientAuthentication } from './client-authentication.ts';
import type { Client } from './client.ts';
import {
  basic,
  form,
  issuer,
  ListedAccess,
  secret,
  sha256,
  startOfTime,
  type Parameters,
} from '../endpoint.fixture.ts';

const tokenEndpoint = `${issuer}/oauth2/token`;
const none: Client = { clientId: 'public', mayExchange: [], authentication: 'none' };
const withSecret: Client = {
  clientId: 'secretive',
  mayExchange: [],
  authentication: 'client_secret',
  secretSha256: [sha256('old'), sha256(secret)],
};

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
const ed = generateKeyPairSync('ed25519');
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwk = (key: KeyObject, kid?: string): JWK => ({
  ...(key.export({ format: 'jwk' }) as JWK),
  ...(kid !== undefined && { kid }),
});
const keyed: Client = {
  clientId: 'keyed',
  mayExchange: [],
  authentication: 'private_key_jwt',
  keys: [
    jwk(ec.publicKey, 'ec'),
    jwk(rsa.publicKey, 'rsa'),
    jwk(ed.publicKey, 'ed'),
    jwk(weak.publicKey, 'weak'),
    { kty: 'EC', crv: 'P-256', kid: 'broken', x: 'AA', y: 'AA' },
  ],
};

const clock = new ManualClock();
let authentication: ClientAuthentication;
beforeEach(() => {
  const access = new ListedAccess([
    none,
    withSecret,
    keyed,
    { ...withSecret, clientId: 'secretless', secretSha256: [] },
  ]);
  authentication = new ClientAuthentication({
    access,
    assertions: new MemoryAssertionIds(),
    clock,
    audiences: [issuer, tokenEndpoint],
  });
  clock.set(startOfTime * 1000);
});

const who = async (parameters: Parameters, authorization?: string): Promise<unknown> => {
  const result = authentication.authenticate(parseForm(form(parameters)), authorization);
  return result.then(
    ({ clientId }) => clientId,
    (error: { code: string }) => error.code,
  );
};

describe('client secrets', () => {
  it.each([
    ['client_secret_basic', {}, basic('secretive'), 'secretive'],
    ['client_secret_post', { client_id: 'secretive', client_secret: secret }, undefined, 'secretive'],
    ['the other of two secrets', {}, basic('secretive', 'old'), 'secretive'],
    ['a wrong secret', {}, basic('secretive', 'wrong'), 'invalid_client'],
    ['an empty secret', {}, basic('secretive', ''), 'invalid_client'],
    ['the hash instead of the secret', {}, basic('secretive', sha256(secret)), 'invalid_client'],
    ['the secret in other letters', {}, basic('secretive', secret.toUpperCase()), 'invalid_client'],
    ['no secret', { client_id: 'secretive' }, undefined, 'invalid_client'],
    ['a client that does not exist', {}, basic('nobody'), 'invalid_client'],
    ['a client without any secret', {}, basic('secretless'), 'invalid_client'],
    [
      'a client without any secret, and the secret nobody has',
      {},
      basic('secretless', '0'.repeat(64)),
      'invalid_client',
    ],
    ['a public client with a secret', {}, basic('public'), 'invalid_client'],
    ['a client with keys', {}, basic('keyed'), 'invalid_client'],
    ['a secret twice', { client_secret: secret }, basic('secretive'), 'invalid_request'],
  ])('%s', async (_, parameters: Parameters, authorization, expected) =>
    expect(await who(parameters, authorization)).toBe(expected),
  );
});

describe('public clients', () => {
  it.each([
    ['public', 'public'],
    ['secretive', 'invalid_client'],
    ['keyed', 'invalid_client'],
    ['nobody', 'invalid_client'],
    ['constructor', 'invalid_client'],
  ])('%s without credentials: %s', async (clientId, expected) =>
    expect(await who({ client_id: clientId })).toBe(expected),
  );
});

describe('private_key_jwt (RFC 7523)', () => {
  let count = 0;
  const claims = () => ({
    iss: 'keyed',
    sub: 'keyed',
    aud: issuer,
    exp: startOfTime + 60,
    iat: startOfTime,
    jti: `jti-${count++}`,
  });
  const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const signers: Record<string, (input: Buffer) => Buffer> = {
    ES256: (input) => sign('sha256', input, { key: ec.privateKey, dsaEncoding: 'ieee-p1363' }),
    RS256: (input) => sign('sha256', input, rsa.privateKey),
    PS256: (input) => sign('sha256', input, { key: rsa.privateKey, padding: 6, saltLength: 32 }),
    EdDSA: (input) => sign(null, input, ed.privateKey),
    weak: (input) => sign('sha256', input, weak.privateKey),
    stranger: (input) => sign('sha256', input, { key: stranger.privateKey, dsaEncoding: 'ieee-p1363' }),
  };
  const assertion = (header: object, payload: object, signer = 'ES256') => {
    const input = `${encode(header)}.${encode(payload)}`;
    return `${input}.${signers[signer]?.(Buffer.from(input)).toString('base64url')}`;
  };
  const present = (text: string, more: Parameters = {}) =>
    who({
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: text,
      ...more,
    });
  const es256 = { alg: 'ES256', kid: 'ec' };

  it.each([
    ['ES256', { alg: 'ES256', kid: 'ec' }],
    ['ES256', { alg: 'ES256' }],
    ['RS256', { alg: 'RS256', kid: 'rsa' }],
    ['PS256', { alg: 'PS256', kid: 'rsa' }],
    ['EdDSA', { alg: 'EdDSA', kid: 'ed' }],
    ['ES256', { ...es256, typ: 'JWT' }],
    ['ES256', { ...es256, typ: 'client-authentication+jwt' }],
  ])('accepts %s with %j', async (signer, header) =>
    expect(await present(assertion(header, claims(), signer))).toBe('keyed'),
  );

  it.each([
    ['the token endpoint as aud', { aud: tokenEndpoint }],
    ['aud in a list of one', { aud: [issuer] }],
    ['no iat', { iat: undefined }],
    ['nbf now', { nbf: startOfTime }],
    ['a client clock that is a little fast', { iat: startOfTime + 20, exp: startOfTime + 320 }],
  ])('accepts %s', async (_, more) => expect(await present(assertion(es256, { ...claims(), ...more }))).toBe('keyed'));

  it('accepts client_id beside it where it is the same', async () => {
    expect(await present(assertion(es256, claims()), { client_id: 'keyed' })).toBe('keyed');
    expect(await present(assertion(es256, claims()), { client_id: 'public' })).toBe('invalid_client');
  });

  it.each([
    ['another iss', { iss: 'public' }],
    ['no iss', { iss: undefined }],
    ['the sub of a client without keys', { sub: 'secretive', iss: 'secretive' }],
    ['the sub of nobody', { sub: 'nobody', iss: 'nobody' }],
    ['no sub', { sub: undefined }],
    ['a sub that is no string', { sub: ['keyed'] }],
    ['no aud', { aud: undefined }],
    ['another aud', { aud: 'https://other.example.com' }],
    ['aud that begins like ours', { aud: `${issuer}.evil.example` }],
    ['an aud of several', { aud: [issuer, 'https://other.example.com'] }],
    ['an aud of both our names', { aud: [issuer, tokenEndpoint] }],
    ['an empty aud', { aud: [] }],
    ['no exp', { exp: undefined }],
    ['exp as text', { exp: String(startOfTime + 60) }],
    ['an expired one', { exp: startOfTime - 30 }],
    ['a life that is too long', { exp: startOfTime + 331 }],
    ['a life without end', { exp: 1e300 }],
    ['nbf in the future', { nbf: startOfTime + 31 }],
    ['iat in the future', { iat: startOfTime + 31 }],
    ['iat as text', { iat: 'now' }],
    ['no jti', { jti: undefined }],
    ['an empty jti', { jti: '' }],
    ['a jti that is no string', { jti: 7 }],
    ['a jti that is too long', { jti: 'x'.repeat(257) }],
  ])('refuses %s', async (_, more) =>
    expect(await present(assertion(es256, { ...claims(), ...more }))).toBe('invalid_client'),
  );

  it.each([
    ['the key of a stranger', 'stranger', es256],
    ['the key of a stranger, without kid', 'stranger', { alg: 'ES256' }],
    ['a kid that is not registered', 'ES256', { alg: 'ES256', kid: 'x' }],
    ['a kid of another algorithm', 'ES256', { alg: 'ES256', kid: 'rsa' }],
    ['a kid that is no string', 'ES256', { alg: 'ES256', kid: ['ec'] }],
    ['a registered key that is too weak', 'weak', { alg: 'RS256', kid: 'weak' }],
    ['a registered key that is no key', 'ES256', { alg: 'ES256', kid: 'broken' }],
    ['alg none', 'ES256', { alg: 'none', kid: 'ec' }],
    ['a symmetric alg', 'ES256', { alg: 'HS256', kid: 'ec' }],
    ['an alg every object has', 'ES256', { alg: 'constructor', kid: 'ec' }],
    ['no alg', 'ES256', { kid: 'ec' }],
    ['an alg that the key does not have', 'ES256', { alg: 'RS256', kid: 'ec' }],
    ['crit', 'ES256', { ...es256, crit: ['exp'] }],
    ['typ of an access token', 'ES256', { ...es256, typ: 'at+jwt' }],
    ['typ of a DPoP proof', 'ES256', { ...es256, typ: 'dpop+jwt' }],
    ['typ that is no string', 'ES256', { ...es256, typ: 1 }],
    ['a key that it brings itself', 'stranger', { alg: 'ES256', jwk: jwk(stranger.publicKey) }],
  ])('refuses %s', async (_, signer, header) =>
    expect(await present(assertion(header, claims(), signer))).toBe('invalid_client'),
  );

  it.each(['x', 'a.b', 'a.b.c', '..', 'x'.repeat(10_000)])('refuses %j', async (text) =>
    expect(await present(text)).toBe('invalid_client'),
  );

  it('refuses changed claims under an old signature', async () => {
    const [header, , signature] = assertion(es256, claims()).split('.');
    expect(await present(`${header}.${encode({ ...claims(), jti: 'other' })}.${signature}`)).toBe('invalid_client');
  });

  it('accepts each assertion once, also when it comes twice at the same time', async () => {
    const once = assertion(es256, claims());
    const outcomes = await Promise.all([present(once), present(once), present(once)]);
    expect(outcomes.filter((outcome) => outcome === 'keyed')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'invalid_client')).toHaveLength(2);
    clock.advanceMilliseconds(89_000);
    expect(await present(once)).toBe('invalid_client');
  });

  it('a jti is used up only by an assertion that was accepted', async () => {
    const payload = claims();
    expect(await present(assertion(es256, { ...payload, aud: 'x' }))).toBe('invalid_client');
    expect(await present(assertion(es256, payload, 'stranger'))).toBe('invalid_client');
    expect(await present(assertion(es256, payload))).toBe('keyed');
  });

  it('reads the same sentence whatever is wrong', async () => {
    const text = assertion(es256, { ...claims(), aud: 'x' });
    const body = form({
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: text,
    });
    await expect(authentication.authenticate(parseForm(body), undefined)).rejects.toMatchObject({
      description: 'client authentication failed',
      detail: 'client assertion: aud is not this server alone',
    });
  });
});
