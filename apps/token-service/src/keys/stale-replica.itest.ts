import { postgres, type PostgresServer } from '@modelgate/real-parts';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { adminToken, admitAdmins, quickKeys, type ListedKey } from '../admin-api/admin.fixture.ts';
import { Deployment, exchange, RealmDouble, type Running } from '../token-service.fixture.ts';

/** A line to the database that falls silent, of which nobody is told; what was sent meanwhile arrives when it is over. */
class SilentLine {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #silent = false;

  constructor(databaseUrl: string) {
    const { hostname, port } = new URL(databaseUrl);
    this.#server = createServer((client) => {
      const upstream = connect(Number(port), hostname);
      this.#join(client, upstream);
      this.#join(upstream, client);
    });
  }

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return String((this.#server.address() as AddressInfo).port);
  }

  fallSilent(silent: boolean): void {
    this.#silent = silent;
    for (const socket of this.#sockets) this.#hold(socket);
  }

  close(): void {
    this.#server.close();
  }

  #join(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.on('data', (data) => to.write(data));
    from.on('error', () => undefined);
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
    this.#hold(from);
  }

  #hold(socket: Socket): void {
    if (this.#silent) socket.pause();
    else socket.resume();
  }
}

let server: PostgresServer & { stop(): Promise<void> };
let realm: RealmDouble;
let deployment: Deployment;
let line: SilentLine;
let healthy: Running;
let cutOff: Running;
beforeAll(async () => {
  [server, realm] = await Promise.all([postgres.start(), new RealmDouble().start()]);
  const url = await server.createDatabase('stale');
  deployment = new Deployment(realm.url, url, { ...quickKeys, ADMIN_PORT: '0' });
  admitAdmins(deployment);
  healthy = await deployment.start();
  line = new SilentLine(url);
  const throughLine = Object.assign(new URL(url), { hostname: '127.0.0.1', port: await line.open() });
  cutOff = await deployment.start({ DATABASE_URL: throughLine.href });
});
afterAll(async () => {
  line.fallSilent(false);
  await deployment.stop();
  line.close();
  await realm.stop();
  await server.stop();
});

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + 90_000; Date.now() < end; await sleep(100)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error('it did not come true within 90 s');
}

async function readiness({ url }: Running): Promise<{ status: number; keys: string }> {
  const answer = await fetch(`${url}/health/ready`);
  const { checks } = (await answer.json()) as { checks: { keys: string } };
  return { status: answer.status, keys: checks.keys };
}

const untilReady = (replica: Running): Promise<true> =>
  until(async () => ((await readiness(replica)).status === 200 ? true : undefined));

async function jwks({ url }: Running): Promise<string> {
  const answer = await fetch(`${url}/.well-known/jwks.json`);
  expect(answer.status).toBe(200);
  return answer.text();
}

async function admin(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
  const authorization = `Bearer ${adminToken(realm, 'viewer', 'operator')}`;
  const answer = await fetch(`${healthy.adminUrl}/admin/v1${path}`, {
    method,
    headers: { authorization, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  return (await answer.json()) as Record<string, unknown>;
}

async function spare(): Promise<Required<ListedKey>> {
  const { keys } = (await admin('GET', '/keys')) as { keys: Required<ListedKey>[] };
  return keys.find(({ state }) => state === 'STANDBY') as Required<ListedKey>;
}

it('a replica that hears nothing from the database stops signing, is not ready, and serves the JWKS on', async () => {
  await Promise.all([untilReady(healthy), untilReady(cutOff)]);
  await until(async () => ((await spare()).readiness['earliestActivation'] === undefined ? undefined : true));
  expect((await exchange(cutOff.url, realm.token())).status).toBe(200);
  const before = await jwks(cutOff);

  line.fallSilent(true);
  // A fresh spare waits for every live replica, and so for this one, until it counts as gone.
  const prepared = await admin('POST', '/keys/prepare', { reason: 'a spare that one replica does not hear of' });
  const waiting = await spare();
  expect([waiting.kid, waiting.readiness['waitsFor']]).toEqual([prepared['kid'], [expect.any(String)]]);
  expect(waiting.readiness).not.toHaveProperty('earliestActivation');

  const stale = await until(async () => {
    const now = await readiness(cutOff);
    return now.status === 503 && now.keys !== 'ok' ? now : undefined;
  });
  expect(stale.keys).toMatch(/what is known of the keys is \d+ s old|StoreUnavailable/);
  expect((await exchange(cutOff.url, realm.token())).status).toBe(503);
  expect(cutOff.log()).toMatch(/what is known of the keys is \d+ s old/);
  expect(await jwks(cutOff)).toBe(before);

  // The other one goes on, and waits for it no longer.
  expect((await exchange(healthy.url, realm.token())).status).toBe(200);
  const acknowledged = await until(async () => {
    const { readiness: now } = await spare();
    return now['earliestActivation'] === undefined ? undefined : now;
  });
  expect([acknowledged['waitsFor'], (acknowledged['acknowledgedBy'] as string[]).length]).toEqual([[], 1]);

  line.fallSilent(false);
  await untilReady(cutOff);
  await until(async () => ((await exchange(cutOff.url, realm.token())).status === 200 ? true : undefined));
  expect(await jwks(cutOff)).toBe(await jwks(healthy));
}, 300_000);
