import { postgres, type PostgresServer } from '@modelgate/real-parts';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { adminToken } from '../admin-api/admin.fixture.ts';
import { accessYaml, Deployment, exchange, RealmDouble, type Running } from '../token-service.fixture.ts';

interface Access {
  issuers: object[];
  clients: object[];
  policies: object[];
  admin?: object;
}

const patient = { timeout: 40_000, interval: 50 };
let server: PostgresServer & { stop(): Promise<void> };
let realm: RealmDouble;
let partner: RealmDouble;
let deployment: Deployment;
let service: Running;

beforeAll(async () => {
  [server, realm, partner] = await Promise.all([
    postgres.start(),
    new RealmDouble().start(),
    new RealmDouble().start(),
  ]);
});
afterAll(async () => {
  await Promise.all([realm.stop(), partner.stop()]);
  await server.stop();
});

const original = (): Access => JSON.parse(accessYaml(realm.url)) as Access;
const admin = { issuer: 'keycloak', rolesOfClient: 'modelgate-admin' };
const treeScoring = {
  name: 'tree-scoring',
  issuer: 'keycloak',
  match: { realmRole: 'fraud-scorer' },
  grants: [{ models: ['fraud/tree'], verbs: ['predict'] }],
  limit: '5/1m',
};

/** Replaced as a whole, as an editor and a ConfigMap do it. */
function write({ environment }: Deployment, access: object | string): void {
  const file = environment['ACCESS_FILE'] ?? '';
  writeFileSync(`${file}.new`, typeof access === 'string' ? access : JSON.stringify(access));
  renameSync(`${file}.new`, file);
}

type Line = Record<string, unknown> & { msg: string };
const lines = (log: string, msg: string): Line[] =>
  log
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line)
    .filter((line) => line.msg === msg);

describe('the access file of a service that goes on', () => {
  beforeAll(async () => {
    deployment = new Deployment(realm.url, await server.createDatabase('access'));
    service = await deployment.start();
    await vi.waitFor(async () => expect(await status(realm)).toBe(200), patient);
  });
  afterAll(() => deployment.stop());

  const status = async (issuer: RealmDouble, scope?: string, token = issuer.token()): Promise<number> =>
    (await exchange(service.url, token, scope === undefined ? {} : { scope })).status;
  const limits = async (): Promise<{ etag: string | null; policies: Record<string, unknown> }> => {
    const answer = await fetch(`${service.url}/limits`);
    return { etag: answer.headers.get('etag'), ...((await answer.json()) as { policies: Record<string, unknown> }) };
  };
  const lastChange = (): Line | undefined => lines(service.log(), 'access changed').at(-1);
  /** Until the file is in force again as it was at first. */
  const restore = async (): Promise<void> => {
    const changes = lines(service.log(), 'access changed').length;
    write(deployment, original());
    await vi.waitFor(() => expect(lines(service.log(), 'access changed')).toHaveLength(changes + 1), patient);
    expect(await status(realm, 'fraud/iris:predict')).toBe(200);
  };

  it('gives a new policy, and its limit, without a restart', async () => {
    expect(await status(realm, 'fraud/tree:predict')).toBe(400);
    const before = await limits();
    write(deployment, { ...original(), policies: [...original().policies, treeScoring] });
    await vi.waitFor(async () => expect(await status(realm, 'fraud/tree:predict')).toBe(200), patient);
    const after = await limits();
    expect(after.etag).not.toBe(before.etag);
    expect(after.policies['tree-scoring']).toEqual({ version: 1, limit: { quota: 5, windowSeconds: 60 } });
    expect(lastChange()).toMatchObject({ policies: { added: ['tree-scoring'] } });
    write(deployment, { ...original(), policies: [treeScoring] });
    await vi.waitFor(async () => expect(await status(realm, 'fraud/iris:predict')).toBe(400), patient);
    expect(Object.keys((await limits()).policies)).toEqual(['tree-scoring']);
    await restore();
  });

  it('refuses a client that was removed, and logs nothing of its secret', async () => {
    write(deployment, { ...original(), clients: [{ clientId: 'notebook', authentication: 'none' }] });
    await vi.waitFor(async () => expect(await status(realm)).toBe(401), patient);
    expect(lastChange()).toMatchObject({ clients: { added: ['notebook'], removed: ['batch-scorer'] } });
    await restore();
    expect(service.log()).not.toMatch(/[0-9a-f]{64}/);
  });

  it('believes an issuer from when it is added until it is removed, also for a token that it has taken before', async () => {
    const token = partner.token();
    expect(await status(partner, undefined, token)).toBe(400);
    const [issuer] = original().issuers;
    const [client] = original().clients;
    write(deployment, {
      issuers: [issuer, { ...issuer, id: 'partner', issuer: partner.url, jwksUri: `${partner.url}/certs` }],
      clients: [{ ...client, issuers: ['keycloak', 'partner'] }],
      policies: [...original().policies, { ...treeScoring, issuer: 'partner' }],
    });
    await vi.waitFor(async () => expect(await status(partner, undefined, token)).toBe(200), patient);
    expect(await status(realm)).toBe(200);
    await restore();
    expect(await status(partner, undefined, token)).toBe(400);
  });

  it('stays in force while the file is broken: every problem is in one line of the log, and the service is ready', async () => {
    const secretSha256 = ['hunter2'];
    const broken = {
      ...original(),
      issuers: [],
      clients: [{ clientId: 'c', authentication: 'client_secret', secretSha256 }],
    };
    const refused = (): Line[] => lines(service.log(), 'the changed access file is not in force');
    write(deployment, broken);
    await vi.waitFor(() => expect(refused()).toHaveLength(1), patient);
    expect(refused()[0]?.['problems']).toEqual([
      expect.stringContaining('issuers') as string,
      expect.stringContaining('clients[0].secretSha256[0]') as string,
    ]);
    expect(service.log()).not.toContain('hunter2');
    expect(await status(realm)).toBe(200);
    expect((await fetch(`${service.url}/health/ready`)).status).toBe(200);
    write(deployment, 'issuers: [');
    await vi.waitFor(() => expect(refused()).toHaveLength(2), patient);
    rmSync(deployment.environment['ACCESS_FILE'] ?? '');
    await vi.waitFor(() => expect(refused()).toHaveLength(3), patient);
    expect(await status(realm)).toBe(200);
    write(deployment, { ...original(), policies: [...original().policies, treeScoring] });
    await vi.waitFor(async () => expect(await status(realm, 'fraud/tree:predict')).toBe(200), patient);
    await restore();
  });

  it('says that the admin API needs a restart where there was no admin at the start', async () => {
    write(deployment, { ...original(), admin });
    const told = 'there are admins now: the admin API listens after a restart';
    await vi.waitFor(() => expect(lines(service.log(), told)).toHaveLength(1), patient);
    expect(service.adminUrl).toBeUndefined();
    await restore();
  });
});

it('decides who is an admin from one request to the next', async () => {
  const deployment = new Deployment(realm.url, await server.createDatabase('admins'), { ADMIN_PORT: '0' });
  write(deployment, { ...original(), admin });
  const { adminUrl } = await deployment.start();
  const authorization = `Bearer ${adminToken(realm, 'viewer')}`;
  const status = async (): Promise<number> =>
    (await fetch(`${adminUrl ?? ''}/admin/v1/keys`, { headers: { authorization } })).status;
  await vi.waitFor(async () => expect(await status()).toBe(200), patient);
  write(deployment, { ...original(), admin: { ...admin, roles: { viewer: ['mlops'] } } });
  await vi.waitFor(async () => expect(await status()).toBe(403), patient);
  write(deployment, original());
  await vi.waitFor(async () => expect(await status()).toBe(401), patient);
  write(deployment, { ...original(), admin });
  await vi.waitFor(async () => expect(await status()).toBe(200), patient);
  await deployment.stop();
});

describe('SIGHUP', () => {
  const script = (name: string): string => fileURLToPath(new URL(`../../dist/${name}.js`, import.meta.url));
  beforeEach(({ skip }) => {
    skip(!existsSync(script('main')), 'the token service is not built: npm run build');
  });

  /** As it ships, in a process of its own. */
  function run(name: string, environment: Record<string, string>) {
    const child = spawn(process.execPath, [script(name)], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    let log = '';
    child.stdout.on('data', (data: Buffer) => (log += data.toString()));
    const ended = new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal)));
    const said = (msg: string, times = 1): Promise<void> =>
      vi.waitFor(() => expect(lines(log, msg).length).toBeGreaterThanOrEqual(times), patient);
    return { child, ended, said, log: () => log };
  }

  it('reads the file again at once, a mounted one too, and the service goes on', async () => {
    const deployment = new Deployment(realm.url, await server.createDatabase('hangup'));
    const mounted = join(deployment.folder, 'mounted');
    for (const [version, policies] of [
      ['1', original().policies],
      ['2', [...original().policies, treeScoring]],
    ] as const) {
      mkdirSync(join(mounted, version), { recursive: true });
      writeFileSync(join(mounted, version, 'access.yaml'), JSON.stringify({ ...original(), policies }));
    }
    symlinkSync('1', join(mounted, '..data'));
    symlinkSync('..data/access.yaml', join(mounted, 'access.yaml'));
    const { child, ended, said, log } = run('main', {
      ...deployment.environment,
      ACCESS_FILE: join(mounted, 'access.yaml'),
    });
    await said('listening');
    const url = String(lines(log(), 'listening')[0]?.['url']);
    const status = async (scope: string): Promise<number> => (await exchange(url, realm.token(), { scope })).status;
    await vi.waitFor(async () => expect(await status('fraud/iris:predict')).toBe(200), patient);
    child.kill('SIGHUP');
    await said('access file read again: nothing differs');
    symlinkSync('2', join(mounted, '..data_tmp'));
    renameSync(join(mounted, '..data_tmp'), join(mounted, '..data'));
    child.kill('SIGHUP');
    await said('reloading', 2);
    await vi.waitFor(async () => expect(await status('fraud/tree:predict')).toBe(200), patient);
    await said('access changed');
    writeFileSync(join(mounted, '2', 'access.yaml'), '');
    child.kill('SIGHUP');
    await said('the changed access file is not in force');
    expect(await status('fraud/tree:predict')).toBe(200);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    await deployment.stop();
  });

  it('does not end the worker, which has nothing to read again', async () => {
    const deployment = new Deployment(realm.url, await server.createDatabase('worker'));
    const { child, ended, said } = run('worker', deployment.environment);
    await said('working');
    child.kill('SIGHUP');
    await said('there is nothing to reload');
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    await deployment.stop();
  });
});
