import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exchange } from '../token-service.fixture.ts';
import { AdminBed, type ListedKey } from './admin.fixture.ts';

let bed: AdminBed;
beforeAll(async () => {
  bed = await AdminBed.start();
});
afterAll(() => bed.stop());

describe('admin API', () => {
  it('is not on the public listener', async () => {
    expect((await fetch(`${bed.service.url}/admin/v1/keys`)).status).toBe(404);
  });

  it('lists keys with their states, times and live tokens, and no private part', async () => {
    await exchange(bed.service.url, bed.realm.token());
    const { status, body } = await bed.call('GET', '/keys', bed.admin('auditor'));
    expect(status).toBe(200);
    expect(body).toMatchObject({ leadTimeSeconds: 8, replicas: [{ live: true }], problems: [] });
    const list = body['keys'] as ListedKey[];
    expect(list.map(({ state }) => state).toSorted((a, b) => a.localeCompare(b))).toEqual(['ACTIVE', 'STANDBY']);
    expect(list.find(({ state }) => state === 'ACTIVE')?.liveTokens).toBe(1);
    expect(JSON.stringify(body)).not.toMatch(/sealed|ciphertext|"d"/);
  });

  it('says of the spare how ready it is: who serves it, for how long, and from when on it may sign', async () => {
    const { body } = await bed.call('GET', '/keys', bed.admin('viewer'));
    const [{ replica }] = body['replicas'] as [{ replica: string }];
    const readiness = await until(async () => {
      const spare = (await bed.keys()).find(({ state }) => state === 'STANDBY');
      return spare?.readiness?.['earliestActivation'] === undefined ? undefined : spare.readiness;
    });
    expect(readiness).toEqual({
      ready: expect.any(Boolean) as boolean,
      publishedForSeconds: expect.any(Number) as number,
      leadTimeSeconds: 8,
      acknowledgedBy: [replica],
      waitsFor: [],
      earliestActivation: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
    });
  });

  it('serves the JWKS as it is published, and describes itself in OpenAPI 3.1', async () => {
    const published = (await (await fetch(`${bed.service.url}/.well-known/jwks.json`)).json()) as { keys: unknown };
    expect((await bed.call('GET', '/keys/jwks', bed.admin('viewer'))).body['keys']).toEqual(published.keys);
    expect((await bed.call('GET', '/openapi.json')).body).toMatchObject({
      openapi: '3.1.0',
      paths: { '/admin/v1/keys/rotate': { post: { operationId: 'rotate' } } },
    });
  });

  it('rotates once the spare is old enough, refuses before that with 409 and the time, and audits who did it', async () => {
    const fresh = await bed.call('POST', '/keys/prepare', bed.admin('operator'), { reason: 'a young spare' });
    expect(fresh.status).toBe(200);
    const change = { reason: 'quarterly drill' };
    const early = await until(async () => {
      const answer = await bed.call('POST', '/keys/rotate', bed.admin('operator'), change);
      return 'earliestActivation' in answer.body || answer.status === 200 ? answer : undefined;
    });
    expect(early.status).toBe(409);
    expect(early.headers.get('content-type')).toContain('application/problem+json');
    expect(early.body).toMatchObject({ status: 409, title: 'The spare key is too young' });
    const at = Date.parse(String(early.body['earliestActivation']));
    await sleep(at - Date.now() - 1_000);
    const answer = await until(async () => {
      const again = await bed.call('POST', '/keys/rotate', bed.admin('operator'), change);
      return again.status === 409 ? undefined : again;
    });
    expect([answer.status, Date.now() >= at]).toEqual([200, true]);
    expect(answer.body).toMatchObject({ active: fresh.body['kid'], blastRadius: [] });
    const listed = await bed.keys();
    expect(listed.find(({ kid }) => kid === answer.body['active'])?.state).toBe('ACTIVE');
    expect(listed.find(({ kid }) => kid === answer.body['retiring'])?.state).toBe('RETIRING');
    expect(await bed.auditOf('key.rotate', String(answer.body['active']))).toEqual([
      { actor: 'keycloak|carol', reason: 'quarterly drill' },
    ]);
  });

  it('forces a rotation for a key custodian alone, with a reason, and says what it breaks, to the audit log as well', async () => {
    const change = { reason: 'the spare leaked', force: true };
    expect((await bed.call('POST', '/keys/rotate', bed.admin('operator'), change)).status).toBe(403);
    expect((await bed.call('POST', '/keys/rotate', bed.admin('key-custodian'), { force: true })).status).toBe(400);
    const forced = await bed.call('POST', '/keys/rotate', bed.admin('key-custodian'), change);
    expect(forced.status).toBe(200);
    expect(forced.body['blastRadius']).toEqual([{ verifier: 'modelgate', seconds: expect.any(Number) as number }]);
    const [event] = await bed.auditOf('key.rotate', String(forced.body['active']));
    expect(event).toEqual({
      actor: 'keycloak|carol',
      reason: expect.stringMatching(/^forced: the spare leaked \(.*new key.*\)$/) as string,
    });
  });

  it('says beforehand what would come of it, to those who may, and changes nothing', async () => {
    const before = await bed.keys();
    const active = before.find(({ state }) => state === 'ACTIVE')?.kid ?? '';
    const intent = { reason: 'what if', force: true, dryRun: true };
    const path = `/keys/${active}/revoke`;
    expect((await bed.call('POST', path, bed.admin('operator'), intent)).status).toBe(403);
    const { status, body } = await bed.call('POST', path, bed.admin('key-custodian'), intent);
    expect([status, body]).toEqual([
      200,
      {
        dryRun: true,
        kid: active,
        active: before.find(({ state }) => state === 'STANDBY')?.kid,
        residualExposure: [{ verifier: 'modelgate', seconds: 2 }],
        blastRadius: [{ verifier: 'modelgate', seconds: expect.any(Number) as number }],
      },
    ]);
    const rotated = await bed.call('POST', '/keys/rotate', bed.admin('key-custodian'), intent);
    expect(rotated.body).toMatchObject({ dryRun: true, active: body['active'], retiring: active });
    const states = (list: ListedKey[]): string[] => list.map(({ kid, state }) => `${kid} ${state}`);
    expect(states(await bed.keys())).toEqual(states(before));
    expect(await bed.auditOf('key.revoke', active)).toEqual([]);
  });

  it('revokes a key: out of the JWKS, on the deny list, the spare signs, and says who still accepts it', async () => {
    const active = (await bed.keys()).find(({ state }) => state === 'ACTIVE');
    const revoked = await bed.call('POST', `/keys/${active?.kid ?? ''}/revoke`, bed.admin('key-custodian'), {
      reason: 'leaked',
      force: true,
    });
    expect(revoked.status).toBe(200);
    expect(revoked.body['active']).not.toBe(active?.kid);
    expect(revoked.body['residualExposure']).toEqual([{ verifier: 'modelgate', seconds: 2 }]);
    expect(revoked.body['blastRadius']).toEqual([{ verifier: 'modelgate', seconds: expect.any(Number) as number }]);
    const published = (await (await fetch(`${bed.service.url}/.well-known/jwks.json`)).json()) as {
      keys: { kid: string }[];
    };
    expect(published.keys.map(({ kid }) => kid)).not.toContain(active?.kid);
    await until(async () => {
      const feed = (await (await fetch(`${bed.service.url}/revocations`)).json()) as { kids: string[] };
      return feed.kids.includes(active?.kid ?? '') || undefined;
    });
    expect((await exchange(bed.service.url, bed.realm.token())).status).toBe(200);
  });

  it('rehearses without changing anything', async () => {
    const before = await bed.keys();
    const { status, body } = await bed.call('GET', '/keys/rehearsal?within=1209600', bed.admin('viewer'));
    expect(status).toBe(200);
    expect((body['steps'] as { action: string }[]).map(({ action }) => action)).toContain('key.rotate');
    const states = (list: ListedKey[]): string[] => list.map(({ kid, state }) => `${kid} ${state}`);
    expect(states(await bed.keys())).toEqual(states(before));
  });

  it('refuses every token that is not an admin’s own', async () => {
    const { realm } = bed;
    const roles = { resource_access: { 'modelgate-admin': { roles: ['key-custodian'] } } };
    const model = (await (await exchange(bed.service.url, realm.token())).json()) as { access_token: string };
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
    for (const [what, status, token] of cases) {
      const answer = await bed.call('GET', '/keys', token);
      expect(answer.status, what).toBe(status);
      const error = status === 403 ? 'insufficient_scope' : token === undefined ? undefined : 'invalid_token';
      const challenge = `Bearer realm="modelgate admin"${error === undefined ? '' : `, error="${error}"`}`;
      expect(answer.headers.get('www-authenticate'), what).toBe(challenge);
    }
  });
});

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 300; tries++) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(100);
  }
  throw new Error('it did not come true within 30 s');
}
