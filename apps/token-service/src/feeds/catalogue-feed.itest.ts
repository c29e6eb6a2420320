import { SigningPair } from '@modelgate/testing';
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AdminBed } from '../admin-api/admin.fixture.ts';
import { basic } from '../token-service.fixture.ts';

let bed: AdminBed;
const secret = 'the-secret-of-a-gateway';
const pair = new SigningPair();
const asGateway = { authorization: `Basic ${btoa(`gateway:${secret}`)}` };

beforeAll(async () => {
  bed = await AdminBed.start((access) => ({
    ...access,
    clients: [
      ...access.clients,
      {
        clientId: 'gateway',
        authentication: 'client_secret',
        secretSha256: [createHash('sha256').update(secret).digest('hex')],
        mayReadCatalogue: true,
      },
      {
        clientId: 'keyed-gateway',
        authentication: 'private_key_jwt',
        keys: [pair.publicJwk],
        mayReadCatalogue: true,
      },
      { clientId: 'notebook', authentication: 'none' },
    ],
  }));
});
afterAll(() => bed.stop());

function assertion(claims: Record<string, unknown> = {}): string {
  const now = Math.floor(Date.now() / 1000);
  const token = pair.jwt({
    iss: 'keyed-gateway',
    sub: 'keyed-gateway',
    aud: bed.deployment.environment['TOKEN_ISSUER'],
    iat: now,
    exp: now + 60,
    jti: randomUUID(),
    ...claims,
  });
  return `Bearer ${token}`;
}

const feed = (headers: Record<string, string> = asGateway): Promise<Response> =>
  fetch(`${bed.service.url}/catalogue`, { headers });

async function until(changed: () => Promise<boolean>): Promise<number> {
  const begun = Date.now();
  while (!(await changed())) if (Date.now() - begun > 30_000) throw new Error('nothing changed in thirty seconds');
  return Date.now() - begun;
}

const entry = { upstream: 'http://127.0.0.1:8080', protocols: ['v1'] };
const put = (model: string, headers: Record<string, string> = {}, more: object = {}) =>
  bed.call('PUT', `/models/${model}`, bed.admin('operator'), { reason: 'test', entry: { ...entry, ...more } }, headers);

describe('the catalogue as gateways read it', () => {
  it('is named in the metadata', async () => {
    const answer = await fetch(`${bed.service.url}/.well-known/oauth-authorization-server`);
    const issuer = bed.deployment.environment['TOKEN_ISSUER'];
    expect(await answer.json()).toMatchObject({ modelgate_catalogue_endpoint: `${issuer}/catalogue` });
  });

  it('has every registered model as it was written, and neither who wrote it nor when', async () => {
    expect(await (await feed()).json()).toEqual({ models: [] });
    await put('fraud/iris', {}, { aliases: [{ alias: 'v2' }] });
    await put('a/b');
    await until(async () => ((await (await feed()).json()) as { models: object[] }).models.length === 2);
    const answer = await feed();
    expect(await answer.json()).toEqual({
      models: [
        { model: 'a/b', ...entry },
        { model: 'fraud/iris', ...entry, aliases: [{ alias: 'v2' }] },
      ],
    });
    expect(answer.headers.get('cache-control')).toBe('private, no-cache');
  });

  it('is not sent again while it is the same, and has another tag within a second of a change', async () => {
    await put('fraud/iris', { 'if-match': '*' });
    await until(async () => !(await (await feed()).text()).includes('aliases'));
    let etag = (await feed()).headers.get('etag') ?? '';
    const again = await feed({ ...asGateway, 'if-none-match': etag });
    expect([again.status, await again.text()]).toEqual([304, '']);
    await put('fraud/iris', { 'if-match': '*' });
    expect((await feed({ ...asGateway, 'if-none-match': etag })).status).toBe(304);
    const times: number[] = [];
    for (const upstream of ['https://elsewhere', 'https://and-elsewhere', 'https://and-again']) {
      await put('fraud/iris', { 'if-match': '*' }, { upstream });
      times.push(await until(async () => (await feed({ ...asGateway, 'if-none-match': etag })).status === 200));
      etag = (await feed()).headers.get('etag') ?? '';
    }
    // The slower ones say how busy the machine was.
    expect(Math.min(...times)).toBeLessThan(1_000);
  });

  it('is read by a gateway that has a key instead of a secret, with each assertion once', async () => {
    const authorization = assertion();
    expect((await feed({ authorization })).status).toBe(200);
    expect((await feed({ authorization })).status).toBe(401);
  });

  it('takes an assertion once, however many replicas it is sent to at the same time', async () => {
    const replicas = [bed.service, await bed.deployment.start(), await bed.deployment.start()];
    for (let turn = 0; turn < 10; turn++) {
      const authorization = assertion();
      const answers = await Promise.all(
        replicas.map(({ url }) => fetch(`${url}/catalogue`, { headers: { authorization } })),
      );
      expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 401, 401]);
    }
  });

  it.each<[string, () => Record<string, string>]>([
    ['nobody', () => ({})],
    ['a wrong secret', () => ({ authorization: `Basic ${btoa('gateway:wrong')}` })],
    ['no secret', () => ({ authorization: `Basic ${btoa('gateway:')}` })],
    ['a client that is no gateway', () => ({ authorization: basic })],
    ['a public client', () => ({ authorization: `Basic ${btoa('notebook:')}` })],
    ['an unknown client', () => ({ authorization: `Basic ${btoa('nobody:x')}` })],
    ['Basic that is none', () => ({ authorization: 'Basic %%%' })],
    ['garbage as bearer token', () => ({ authorization: 'Bearer garbage' })],
    ['a subject token', () => ({ authorization: `Bearer ${bed.realm.token()}` })],
    ['an admin’s token', () => ({ authorization: `Bearer ${bed.admin('operator')}` })],
    ['an assertion of another client', () => ({ authorization: assertion({ iss: 'gateway', sub: 'gateway' }) })],
    ['an assertion for another server', () => ({ authorization: assertion({ aud: 'https://other.example' }) })],
    ['an expired assertion', () => ({ authorization: assertion({ exp: 1 }) })],
    ['an empty credential', () => ({ authorization: '' })],
  ])('is refused to %s: 401, with a challenge and without a word about models', async (_, headers) => {
    const answer = await feed({ ...headers(), 'if-none-match': '*' });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toMatch(/^Basic /);
    expect(await answer.json()).toEqual({ error: 'invalid_client', error_description: expect.any(String) as string });
  });

  it('takes no credential in the URL, and none but GET', async () => {
    const query = `client_id=gateway&client_secret=${secret}`;
    expect((await fetch(`${bed.service.url}/catalogue?${query}`)).status).toBe(401);
    expect((await fetch(`${bed.service.url}/catalogue`, { method: 'POST', headers: asGateway })).status).toBe(405);
  });

  it('is not made up while the database is away, and comes back with it', async ({ skip }) => {
    skip(bed.server.notOurs !== undefined, bed.server.notOurs);
    await bed.server.kill();
    await until(async () => (await feed()).status === 503);
    expect((await feed()).headers.get('retry-after')).toBe('2');
    await bed.server.restart();
    await until(async () => (await feed()).status === 200);
    expect(bed.service.log()).not.toContain(secret);
  });
});

describe('the access file', () => {
  it('lets no public client be a gateway', async () => {
    const file = bed.deployment.environment['ACCESS_FILE'] ?? '';
    const before = readFileSync(file, 'utf8');
    writeFileSync(file, before.replace('"authentication":"none"', '"authentication":"none","mayReadCatalogue":true'));
    await expect(bed.deployment.start()).rejects.toMatchObject({
      problems: [expect.stringMatching(/mayReadCatalogue a public client/) as string],
    });
    writeFileSync(file, before);
  });
});
