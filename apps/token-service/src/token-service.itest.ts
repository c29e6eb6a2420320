import { postgres, type PostgresServer } from '@modelgate/real-parts';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { basic, Deployment, exchange, RealmDouble, type Running } from './token-service.fixture.ts';

const patient = { timeout: 40_000, interval: 100 };
let server: PostgresServer & { stop(): Promise<void> };
let realm: RealmDouble;
let deployment: Deployment;
let service: Running;

beforeAll(async () => {
  [server, realm] = await Promise.all([postgres.start(), new RealmDouble().start()]);
  deployment = new Deployment(realm.url, server.url);
  service = await deployment.start();
});
afterAll(async () => {
  await deployment.stop();
  await realm.stop();
  await server.stop();
});

async function rows(query: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(query)).rows;
  } finally {
    await client.end();
  }
}

const json = async (response: Response): Promise<Record<string, unknown>> =>
  (await response.json()) as Record<string, unknown>;

describe('token service', () => {
  it('exchanges over HTTP; any JOSE library verifies the token by the JWKS; one audit row stands for it', async () => {
    const answer = await exchange(service.url, realm.token(), { scope: 'fraud/iris:predict' });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const token = String((await json(answer))['access_token']);
    const keys = createRemoteJWKSet(new URL(`${service.url}/.well-known/jwks.json`));
    const { payload, protectedHeader } = await jwtVerify(token, keys, {
      issuer: 'http://127.0.0.1:18099/tenant',
      audience: 'https://models.example.com',
      typ: 'at+jwt',
    });
    expect(protectedHeader.alg).toBe('ES256');
    expect(payload['scope']).toBe('fraud/iris:predict');
    const written = await rows(
      `SELECT outcome, client_id, subject, policy, policy_version, kid FROM audit_events WHERE jti = '${String(payload.jti)}'`,
    );
    expect(written).toEqual([
      {
        outcome: 'granted',
        client_id: 'batch-scorer',
        subject: 'keycloak|f3b1',
        policy: 'fraud-scoring',
        policy_version: '202611280930',
        kid: protectedHeader.kid,
      },
    ]);
  });

  it.each([
    '/.well-known/oauth-authorization-server/tenant',
    '/.well-known/openid-configuration/tenant',
    '/tenant/.well-known/oauth-authorization-server',
    '/tenant/.well-known/openid-configuration',
  ])('publishes its metadata at %s', async (path) => {
    const answer = await fetch(service.url + path);
    expect(answer.status).toBe(200);
    expect(await json(answer)).toMatchObject({
      issuer: 'http://127.0.0.1:18099/tenant',
      token_endpoint: 'http://127.0.0.1:18099/tenant/oauth2/token',
      jwks_uri: 'http://127.0.0.1:18099/tenant/.well-known/jwks.json',
    });
  });

  it.each(['/.well-known/jwks.json', '/tenant/.well-known/jwks.json'])(
    'serves the JWKS at %s with an ETag',
    async (path) => {
      const answer = await fetch(service.url + path);
      expect(answer.headers.get('cache-control')).toMatch(/\bmax-age=(?:300|2[7-9]\d)\b/);
      const { keys } = (await answer.json()) as { keys: Record<string, unknown>[] };
      expect(keys).toHaveLength(2);
      for (const key of keys) {
        expect(key).toMatchObject({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' });
        expect(key).not.toHaveProperty('d');
      }
      const etag = String(answer.headers.get('etag'));
      expect((await fetch(service.url + path, { headers: { 'if-none-match': etag } })).status).toBe(304);
    },
  );

  it('puts a revoked token on the feed, and changes the ETag by it', async () => {
    const token = String((await json(await exchange(service.url, realm.token())))['access_token']);
    const before = await fetch(`${service.url}/revocations`);
    const form = new URLSearchParams({ token });
    const revoked = await fetch(`${service.url}/oauth2/revoke`, {
      method: 'POST',
      headers: { authorization: basic },
      body: form,
    });
    expect(revoked.status).toBe(200);
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
      jti: string;
      exp: number;
    };
    const { jti, exp } = claims;
    const after = await vi.waitFor(async () => {
      const answer = await fetch(`${service.url}/revocations`);
      expect((await json(answer))['tokens']).toContainEqual({ jti, exp });
      return answer;
    }, patient);
    expect(after.headers.get('etag')).not.toBe(before.headers.get('etag'));
  });

  it('publishes the limits behind its policies', async () => {
    expect(await json(await fetch(`${service.url}/limits`))).toEqual({
      policies: { 'fraud-scoring': { version: 202_611_280_930, limit: { quota: 600, windowSeconds: 60 } } },
    });
  });

  it('seals the private keys: nothing in the database opens without the key-encryption key', async () => {
    const stored = await rows('SELECT state, sealed, public_jwk FROM signing_keys ORDER BY state');
    expect(stored.map(({ state }) => state).toSorted((a, b) => String(a).localeCompare(String(b)))).toEqual([
      'ACTIVE',
      'STANDBY',
    ]);
    expect(JSON.stringify(stored)).not.toMatch(/"d"|PRIVATE KEY/);
  });

  it('serves as two replicas on one database with one set of keys', async () => {
    const other = await deployment.start();
    const kids = async (url: string): Promise<unknown> =>
      ((await (await fetch(`${url}/.well-known/jwks.json`)).json()) as { keys: { kid: string }[] }).keys.map(
        ({ kid }) => kid,
      );
    expect(await kids(other.url)).toEqual(await kids(service.url));
    expect((await exchange(other.url, realm.token())).status).toBe(200);
  });
});

describe('bad input', () => {
  const post = (body: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${service.url}/oauth2/token`, {
      method: 'POST',
      body,
      headers: { authorization: basic, 'content-type': 'application/x-www-form-urlencoded', ...headers },
    });
  const grant = 'grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange';

  it.each<[string, number, string, () => Promise<Response>]>([
    ['an empty body', 400, 'invalid_request', () => post('')],
    ['no grant type', 400, 'invalid_request', () => post('a=b')],
    ['an unknown grant type', 400, 'unsupported_grant_type', () => post('grant_type=password')],
    ['a repeated parameter', 400, 'invalid_request', () => post(`${grant}&${grant}`)],
    ['a broken percent sequence', 400, 'invalid_request', () => post(`${grant}&subject_token=%zz`)],
    ['a NUL in a parameter', 400, 'invalid_request', () => post(`${grant}&subject_token=%00&subject_token_type=%00`)],
    ['no subject token', 400, 'invalid_request', () => post(grant)],
    ['a JSON body', 415, 'invalid_request', () => post('{}', { 'content-type': 'application/json' })],
    ['no content type', 415, 'invalid_request', () => post('x', { 'content-type': 'text/plain' })],
    ['a body of 70 KB', 413, 'invalid_request', () => post('a'.repeat(70_000))],
    [
      'parameters in the URL',
      400,
      'invalid_request',
      () => fetch(`${service.url}/oauth2/token?client_id=x`, { method: 'POST', body: new URLSearchParams({ a: 'b' }) }),
    ],
    ['GET', 405, 'invalid_request', () => fetch(`${service.url}/oauth2/token`)],
    ['PUT', 405, 'invalid_request', () => fetch(`${service.url}/oauth2/token`, { method: 'PUT', body: 'x' })],
    ['a path that is not there', 404, 'invalid_request', () => fetch(`${service.url}/oauth2/tokens`)],
    ['a broken path', 400, 'invalid_request', () => fetch(`${service.url}/%ff`)],
    [
      'a wrong secret',
      401,
      'invalid_client',
      () => post(grant, { authorization: `Basic ${btoa('batch-scorer:wrong')}` }),
    ],
    ['an unknown client', 401, 'invalid_client', () => post(grant, { authorization: `Basic ${btoa('nobody:x')}` })],
    ['two client authentications', 400, 'invalid_request', () => post(`${grant}&client_secret=x`)],
    ['a subject token that is none', 400, 'invalid_request', () => exchange(service.url, 'garbage')],
    ['an expired subject token', 400, 'invalid_request', () => exchange(service.url, realm.token({ exp: 1, iat: 0 }))],
    [
      'a scope beyond the policy',
      400,
      'invalid_scope',
      () => exchange(service.url, realm.token(), { scope: 'fraud/*:predict' }),
    ],
    ['a scope that is none', 400, 'invalid_scope', () => exchange(service.url, realm.token(), { scope: 'everything' })],
    [
      'another audience',
      400,
      'invalid_target',
      () => exchange(service.url, realm.token(), { audience: 'https://elsewhere.example' }),
    ],
    [
      'a resource that is no URI',
      400,
      'invalid_target',
      () => exchange(service.url, realm.token(), { resource: 'fraud/iris' }),
    ],
    [
      'authorization_details that are no JSON',
      400,
      'invalid_authorization_details',
      () => exchange(service.url, realm.token(), { authorization_details: '{' }),
    ],
  ])('%s: %i %s, and one line in the log under the request id', async (_, status, error, send) => {
    const before = service.log().length;
    const answer = await send();
    expect(answer.status).toBe(status);
    const body = await json(answer);
    expect(body).toEqual({
      error,
      error_description: expect.stringMatching(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/) as string,
    });
    const id = String(answer.headers.get('x-request-id'));
    const lines = service
      .log()
      .slice(before)
      .split('\n')
      .filter((line) => line.includes(id));
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '{}')).toMatchObject({
      msg: 'refused',
      status,
      reason: expect.any(String) as string,
    });
  });

  it('challenges with Basic where the client used Basic', async () => {
    const answer = await post(grant, { authorization: `Basic ${btoa('batch-scorer:wrong')}` });
    expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm=/);
  });

  it('never logs a token, an assertion or a secret', async () => {
    const token = realm.token();
    await exchange(service.url, token);
    await post(`${grant}&subject_token=${token}x&subject_token_type=x`);
    await post(grant, { authorization: `Basic ${btoa('batch-scorer:wrong-secret')}` });
    expect(service.log()).not.toContain(token.split('.')[1]);
    expect(service.log()).not.toContain('wrong-secret');
    expect(service.log()).not.toContain(btoa('batch-scorer:wrong-secret'));
  });
});

describe('the database is away', () => {
  it('answers 503 with Retry-After, keeps serving its keys, and recovers by itself', async ({ skip }) => {
    skip(server.notOurs !== undefined, server.notOurs);
    const fresh = await server.createDatabase('away');
    const other = new Deployment(realm.url, fresh);
    const running = await other.start();
    expect((await exchange(running.url, realm.token())).status).toBe(200);
    await server.kill();
    try {
      const started = Date.now();
      const refused = await exchange(running.url, realm.token());
      expect(refused.status).toBe(503);
      expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(await json(refused)).toMatchObject({ error: 'temporarily_unavailable' });
      expect(Date.now() - started).toBeLessThan(30_000);
      expect((await fetch(`${running.url}/.well-known/jwks.json`)).status).toBe(200);
      expect((await fetch(`${running.url}/revocations`)).status).toBe(503);
      expect((await fetch(`${running.url}/health/ready`)).status).toBe(503);
      expect((await fetch(`${running.url}/health/live`)).status).toBe(200);
    } finally {
      await server.restart();
    }
    await vi.waitFor(async () => expect((await exchange(running.url, realm.token())).status).toBe(200), patient);
    await other.stop();
  });

  it('starts where its database cannot be reached, and answers 503', async () => {
    const other = new Deployment(realm.url, 'postgresql://postgres@127.0.0.1:9/none');
    const running = await other.start();
    expect((await fetch(`${running.url}/health/live`)).status).toBe(200);
    expect((await fetch(`${running.url}/.well-known/jwks.json`)).status).toBe(503);
    const answer = await exchange(running.url, realm.token());
    expect(answer.status).toBe(503);
    await other.stop();
  });
});
