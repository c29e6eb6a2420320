import { postgres, type PostgresServer } from '@modelgate/real-parts';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Deployment, exchange, RealmDouble, type Running } from '../token-service.fixture.ts';

let server: PostgresServer & { stop(): Promise<void> };
let realm: RealmDouble;
let deployment: Deployment;
let service: Running;
const quick = {
  KEYS_LEAD_TIME: '4s',
  KEYS_PROPAGATION: '2s',
  JWKS_MAX_AGE: '1s',
  CLOCK_SKEW: '1s',
  KEYS_VERIFIERS: 'none',
  ADMIN_PORT: '0',
};

beforeAll(async () => {
  [server, realm] = await Promise.all([postgres.start(), new RealmDouble().start()]);
  deployment = new Deployment(realm.url, server.url, quick);
  const file = deployment.environment['ACCESS_FILE'] ?? '';
  const access = JSON.parse(readFileSync(file, 'utf8')) as object;
  writeFileSync(file, JSON.stringify({ ...access, admin: { issuer: 'keycloak', rolesOfClient: 'modelgate-admin' } }));
  service = await deployment.start();
});
afterAll(async () => {
  await deployment.stop();
  await realm.stop();
  await server.stop();
});

const admin = (...roles: string[]): string =>
  realm.token({
    aud: ['modelgate-admin'],
    azp: 'modelgate-admin',
    sub: 'carol',
    resource_access: { 'modelgate-admin': { roles } },
  });

async function call(
  method: string,
  path: string,
  token?: string,
  body?: unknown,
): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }> {
  const answer = await fetch(`${service.adminUrl}/admin/v1${path}`, {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, unknown> };
}

interface Key {
  kid: string;
  state: string;
  liveTokens: number;
  earliestActivation?: string;
}
const keys = async (): Promise<Key[]> => (await call('GET', '/keys', admin('viewer'))).body['keys'] as Key[];

describe('admin API', () => {
  it('is not on the public listener', async () => {
    expect((await fetch(`${service.url}/admin/v1/keys`)).status).toBe(404);
  });

  it('lists keys with their states, times and live tokens, and no private part', async () => {
    await exchange(service.url, realm.token());
    const { status, body } = await call('GET', '/keys', admin('auditor'));
    expect(status).toBe(200);
    expect(body).toMatchObject({ leadTimeSeconds: 4, replicas: [{ live: true }], problems: [] });
    const list = body['keys'] as Key[];
    expect(list.map(({ state }) => state).toSorted((a, b) => a.localeCompare(b))).toEqual(['ACTIVE', 'STANDBY']);
    expect(list.find(({ state }) => state === 'ACTIVE')?.liveTokens).toBe(1);
    expect(JSON.stringify(body)).not.toMatch(/sealed|ciphertext|"d"/);
  });

  it('serves the JWKS as it is published, and describes itself in OpenAPI 3.1', async () => {
    const published = (await (await fetch(`${service.url}/.well-known/jwks.json`)).json()) as { keys: unknown };
    expect((await call('GET', '/keys/jwks', admin('viewer'))).body['keys']).toEqual(published.keys);
    expect((await call('GET', '/openapi.json')).body).toMatchObject({
      openapi: '3.1.0',
      paths: { '/admin/v1/keys/rotate': { post: { operationId: 'rotate' } } },
    });
  });

  it('rotates once the spare is old enough, refuses before that with 409 and the time, and audits who did it', async () => {
    const change = { reason: 'quarterly drill' };
    let answer = await call('POST', '/keys/rotate', admin('operator'), change);
    if (answer.status === 409) {
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
      expect(answer.body).toMatchObject({ status: 409, title: 'The spare key is too young' });
    }
    for (let tries = 0; answer.status === 409 && tries < 40; tries++) {
      await sleep(500);
      answer = await call('POST', '/keys/rotate', admin('operator'), change);
    }
    expect(answer.status).toBe(200);
    const again = await call('POST', '/keys/rotate', admin('operator'), change);
    expect(again.status).toBe(409);
    const listed = await keys();
    expect(listed.find(({ kid }) => kid === answer.body['active'])?.state).toBe('ACTIVE');
    expect(listed.find(({ kid }) => kid === answer.body['retiring'])?.state).toBe('RETIRING');
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    const { rows } = await client.query<Record<string, unknown>>(
      `SELECT actor, reason FROM audit_events WHERE action = 'key.rotate' AND kid = '${String(answer.body['active'])}'`,
    );
    await client.end();
    expect(rows).toEqual([{ actor: 'keycloak|carol', reason: expect.stringContaining('quarterly drill') as string }]);
  });

  it('forces a rotation for a key custodian alone, and says how long verifiers may refuse', async () => {
    const change = { reason: 'the spare leaked', force: true };
    expect((await call('POST', '/keys/rotate', admin('operator'), change)).status).toBe(403);
    const forced = await call('POST', '/keys/rotate', admin('key-custodian'), change);
    expect(forced.status).toBe(200);
    expect(forced.body['exposure']).toEqual(
      expect.arrayContaining([expect.objectContaining({ verifier: 'modelgate' })]),
    );
  });

  it('revokes a key: out of the JWKS, on the deny list, the spare signs, and no gateway accepts it', async () => {
    const active = (await keys()).find(({ state }) => state === 'ACTIVE');
    const revoked = await call('POST', `/keys/${active?.kid ?? ''}/revoke`, admin('key-custodian'), {
      reason: 'leaked',
      force: true,
    });
    expect(revoked.status).toBe(200);
    expect(revoked.body['active']).not.toBe(active?.kid);
    const published = (await (await fetch(`${service.url}/.well-known/jwks.json`)).json()) as {
      keys: { kid: string }[];
    };
    expect(published.keys.map(({ kid }) => kid)).not.toContain(active?.kid);
    await sleep(300);
    const feed = (await (await fetch(`${service.url}/revocations`)).json()) as { kids: string[] };
    expect(feed.kids).toContain(active?.kid);
    expect((await exchange(service.url, realm.token())).status).toBe(200);
  });

  it('rehearses without changing anything', async () => {
    const before = await keys();
    const { status, body } = await call('GET', '/keys/rehearsal?within=1209600', admin('viewer'));
    expect(status).toBe(200);
    expect((body['steps'] as { action: string }[]).map(({ action }) => action)).toContain('key.rotate');
    const states = (list: Key[]): string[] => list.map(({ kid, state }) => `${kid} ${state}`);
    expect(states(await keys())).toEqual(states(before));
  });

  it.each<[string, number, string, string, unknown]>([
    ['no reason', 400, 'POST', '/keys/rotate', {}],
    ['an unknown member', 400, 'POST', '/keys/rotate', { reason: 'because', froce: true }],
    ['an unknown algorithm', 400, 'POST', '/keys/rotate', { reason: 'because', alg: 'HS256' }],
    ['an unknown key', 404, 'POST', '/keys/nobody/revoke', { reason: 'because' }],
    ['a rehearsal of a negative time', 400, 'GET', '/keys/rehearsal?within=-1', undefined],
    ['a path that is not there', 404, 'GET', '/key', undefined],
  ])('%s: %i as problem details', async (_, status, method, path, body) => {
    const answer = await call(method, path, admin('viewer', 'operator', 'key-custodian'), body);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.body).toMatchObject({
      status,
      title: expect.any(String) as string,
      instance: answer.headers.get('x-request-id'),
    });
  });

  it('refuses malformed, form and oversized bodies without a 500', async () => {
    const send = (body: string, type: string): Promise<Response> =>
      fetch(`${service.adminUrl}/admin/v1/keys/rotate`, {
        method: 'POST',
        headers: { authorization: `Bearer ${admin('operator')}`, 'content-type': type },
        body,
      });
    expect((await send('{', 'application/json')).status).toBe(400);
    expect((await send('{"reason":"a","reason":"b"}', 'application/json')).status).toBe(400);
    expect((await send('reason=x', 'application/x-www-form-urlencoded')).status).toBe(415);
    expect((await send(JSON.stringify({ reason: 'x'.repeat(70_000) }), 'application/json')).status).toBe(413);
  });

  it('refuses every token that is not an admin’s own', async () => {
    const roles = { resource_access: { 'modelgate-admin': { roles: ['key-custodian'] } } };
    const model = (await (await exchange(service.url, realm.token())).json()) as { access_token: string };
    const cases: [string, number, string | undefined][] = [
      ['no token', 401, undefined],
      ['garbage', 401, 'garbage'],
      ['a model token', 401, model.access_token],
      ['another audience', 401, realm.token({ azp: 'modelgate-admin', ...roles })],
      ['another authorized party', 401, realm.token({ aud: ['modelgate-admin'], azp: 'notebook', ...roles })],
      ['an ID token', 401, realm.token({ aud: ['modelgate-admin'], azp: 'modelgate-admin', typ: 'ID', ...roles })],
      [
        'an expired token',
        401,
        realm.token({ aud: ['modelgate-admin'], azp: 'modelgate-admin', iat: 1, exp: 2, ...roles }),
      ],
      [
        'a token bound to a key',
        403,
        realm.token({ aud: ['modelgate-admin'], azp: 'modelgate-admin', cnf: { jkt: 'x' }, ...roles }),
      ],
      ['no role', 403, realm.token({ aud: ['modelgate-admin'], azp: 'modelgate-admin' })],
      [
        'a realm role of that name',
        403,
        realm.token({ aud: ['modelgate-admin'], azp: 'modelgate-admin', realm_access: { roles: ['viewer'] } }),
      ],
    ];
    for (const [what, status, token] of cases) expect((await call('GET', '/keys', token)).status, what).toBe(status);
  });
});
