import { postgres, type PostgresServer } from '@modelgate/real-parts';
import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basic, Deployment, exchange, RealmDouble } from './token-service.fixture.ts';

let server: PostgresServer & { stop(): Promise<void> };
let realm: RealmDouble;

beforeAll(async () => {
  [server, realm] = await Promise.all([postgres.start(), new RealmDouble().start()]);
});
afterAll(async () => {
  await realm.stop();
  await server.stop();
});

const script = fileURLToPath(new URL('../dist/main.js', import.meta.url));

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/** The service as it ships: its own process, from dist, with nothing but this environment. */
function run(
  environment: Record<string, string>,
  onListening?: (url: string, stop: () => void) => void,
): Promise<Ended> {
  if (!existsSync(script)) throw new Error('apps/token-service is not built; run `npm run build`');
  const child = spawn(process.execPath, [script], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = { out: '', err: '' };
  child.stderr.on('data', (data: Buffer) => (ended.err += data.toString()));
  createInterface(child.stdout).on('line', (line) => {
    ended.out += `${line}\n`;
    const { msg, url, listener } = JSON.parse(line) as { msg?: string; url?: string; listener?: string };
    if (msg === 'listening' && url && (listener ?? 'http') === 'http') onListening?.(url, () => child.kill('SIGTERM'));
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...ended }));
  });
}

describe('the process', () => {
  it('prints every problem of its environment and exits 78 without having listened', async () => {
    const { code, out, err } = await run({
      TOKEN_ISSUER: 'http://tokens.example.com',
      DATABASE_URL: 'mysql://a:hunter2@b',
      PORT: 'x',
    });
    expect(code).toBe(78);
    for (const name of ['TOKEN_ISSUER', 'MODEL_AUDIENCE', 'DATABASE_URL', 'KEK_FILE', 'ACCESS_FILE', 'PORT'])
      expect(err).toMatch(new RegExp(`^ {2}- ${name}\\b`, 'm'));
    expect(err).not.toContain('hunter2');
    expect(out).toBe('');
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['without a key-encryption key', { KEK_FILE: '' }, /^ {2}- KEK_FILE is missing; set it to a path/m],
    [
      'with Vault and no token for it',
      { KEK_PROVIDER: 'vault', VAULT_ADDR: 'https://v.example', VAULT_TRANSIT_KEY: 'k' },
      /^ {2}- VAULT_TOKEN is missing/m,
    ],
    ['with AWS KMS and no key', { KEK_PROVIDER: 'aws-kms' }, /^ {2}- AWS_KMS_KEY_ID is missing/m],
    [
      'with keys that sign before verifiers can know them',
      { KEYS_LEAD_TIME: '5m' },
      /^ {2}- a lead time of 300 s is shorter .* istio 3600 s .* = 3670 s; change KEYS_/m,
    ],
    ['with plain HTTP on the network', { HOST: '0.0.0.0' }, /^ {2}- HOST is not loopback and there is no TLS/m],
    ['with an admin API in the clear', { ADMIN_HOST: '0.0.0.0' }, /^ {2}- ADMIN_HOST is not loopback/m],
    [
      'with a certificate that is not there',
      { TLS_CERT_FILE: '/no/crt', TLS_KEY_FILE: '/no/key' },
      /^ {2}- \/no\/crt cannot be read/m,
    ],
  ])('exits 78 %s, with the remedy', async (_what, more, sentence) => {
    const deployment = new Deployment(realm.url, server.url);
    const { code, err, out } = await run({ ...deployment.environment, ...more });
    expect([code, err, out]).toEqual([78, expect.stringMatching(sentence), '']);
    await deployment.stop();
  });

  it('refuses a misspelt setting, which would be ignored otherwise', async () => {
    const deployment = new Deployment(realm.url, server.url);
    const { code, err } = await run({ ...deployment.environment, KEYS_ROTATE_EVRY: '1d' });
    expect(code).toBe(78);
    expect(err).toContain('KEYS_ROTATE_EVRY is not a setting; did you mean KEYS_ROTATE_EVERY?');
    await deployment.stop();
  });

  it('prints every problem of its access file, each with its place, and exits 78', async () => {
    const deployment = new Deployment(realm.url, server.url);
    const client = { clientId: 'c', authentication: 'client_secret', secretSha256: ['hunter2'], colour: 'red' };
    writeFileSync(deployment.environment['ACCESS_FILE'] ?? '', JSON.stringify({ issuers: [], clients: [client] }));
    const { code, err } = await run(deployment.environment);
    expect(code).toBe(78);
    for (const place of ['issuers', 'clients[0].secretSha256[0]', 'colour', 'policies']) expect(err).toContain(place);
    expect(err).not.toContain('hunter2');
    await deployment.stop();
  });

  it('says where it listens, serves from its environment alone, and ends with 0 on SIGTERM', async () => {
    const deployment = new Deployment(realm.url, await server.createDatabase('process'));
    let status = 0;
    const { code, err } = await run(deployment.environment, (url, stop) => {
      void until(async () => (status = (await exchange(url, realm.token())).status) === 200).finally(stop);
    });
    expect({ code, err, status }).toEqual({ code: 0, err: '', status: 200 });
    await deployment.stop();
  });
});

describe('first start', () => {
  it('of two replicas at once on an empty database ends in one set of keys', async () => {
    const deployment = new Deployment(realm.url, await server.createDatabase('replicas'));
    const replicas = await Promise.all([deployment.start(), deployment.start()]);
    const ready = async (url: string): Promise<boolean> => (await fetch(`${url}/health/ready`)).status === 200;
    const kids = async (url: string): Promise<string[]> =>
      ((await (await fetch(`${url}/.well-known/jwks.json`)).json()) as { keys: { kid: string }[] }).keys
        .map(({ kid }) => kid)
        .toSorted();
    for (const { url } of replicas) await until(() => ready(url));
    const [one, other] = await Promise.all(replicas.map(({ url }) => kids(url)));
    expect(one).toHaveLength(2);
    expect(other).toEqual(one);
    await deployment.stop();
  });

  it('without a database waits for it, says so once, and becomes ready by itself', async ({ skip }) => {
    skip(server.notOurs !== undefined, server.notOurs);
    const deployment = new Deployment(realm.url, await server.createDatabase('late'));
    await server.kill();
    const running = await deployment.start();
    const status = async (path: string): Promise<number> => (await fetch(running.url + path)).status;
    try {
      expect(await status('/health/live')).toBe(200);
      expect(await status('/health/ready')).toBe(503);
      expect(await status('/.well-known/jwks.json')).toBe(503);
      const refused = await exchange(running.url, realm.token());
      expect(refused.status).toBe(503);
      expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
    } finally {
      await server.restart();
    }
    await until(async () => (await status('/health/ready')) === 200);
    expect((await exchange(running.url, realm.token())).status).toBe(200);
    expect(running.log().split('waiting for the database')).toHaveLength(2);
    await deployment.stop();
  });
});

describe('the revocation endpoint', () => {
  it.each<[string, number, string, RequestInit]>([
    ['no body', 400, 'invalid_request', { headers: { authorization: basic } }],
    ['no token', 400, 'invalid_request', { headers: { authorization: basic }, body: new URLSearchParams({ a: 'b' }) }],
    ['no client', 401, 'invalid_client', { body: new URLSearchParams({ token: 'x' }) }],
    [
      'JSON',
      415,
      'invalid_request',
      { headers: { authorization: basic, 'content-type': 'application/json' }, body: '{}' },
    ],
    ['a body of 70 KB', 413, 'invalid_request', { body: new URLSearchParams({ token: 'a'.repeat(70_000) }) }],
    ['GET', 405, 'invalid_request', { method: 'GET' }],
  ])('answers %s with %i %s', async (_, status, error, init) => {
    const deployment = await revoking();
    const answer = await fetch(`${deployment.url}/oauth2/revoke`, { method: 'POST', ...init });
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ error });
  });

  it.each(['not-a-token', 'a.b.c', '\0', 'é'.repeat(100)])(
    'has nothing to do for %j, which is no token (RFC 7009 §2.2)',
    async (token) => {
      const { url } = await revoking();
      const before = await (await fetch(`${url}/revocations`)).text();
      const body = new URLSearchParams({ token });
      const answer = await fetch(`${url}/oauth2/revoke`, { method: 'POST', headers: { authorization: basic }, body });
      expect(answer.status).toBe(200);
      await sleep(300);
      expect(await (await fetch(`${url}/revocations`)).text()).toBe(before);
    },
  );

  let started: Promise<{ url: string }> | undefined;
  let deployment: Deployment | undefined;
  const revoking = (): Promise<{ url: string }> =>
    (started ??= server.createDatabase('revoking').then(async (database) => {
      deployment = new Deployment(realm.url, database);
      const running = await deployment.start();
      await until(async () => (await fetch(`${running.url}/health/ready`)).status === 200);
      return running;
    }));
  afterAll(() => deployment?.stop());
});

/** Waits for what is to come true; fails loudly where it does not. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (await condition()) return;
    await sleep(100);
  }
  throw new Error('it did not come true within 60 s');
}
