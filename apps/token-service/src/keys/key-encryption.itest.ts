import { ConfigurationError, createLogger } from '@modelgate/nest';
import { postgres, type PostgresServer } from '@modelgate/real-parts';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { composeKeys } from '../composition.ts';
import { readConfig } from '../config.ts';
import { Deployment, exchange, RealmDouble, type Running } from '../token-service.fixture.ts';

let server: PostgresServer & { stop(): Promise<void> };
let realm: RealmDouble;
let deployment: Deployment;
beforeAll(async () => {
  [server, realm] = await Promise.all([postgres.start(), new RealmDouble().start()]);
});
afterEach(() => deployment.stop());
afterAll(async () => {
  await realm.stop();
  await server.stop();
});

interface KekFile {
  keks: { id: string; key: string }[];
}

const kekFile = (): string => deployment.environment['KEK_FILE'] ?? '';
const readKeks = (): KekFile => JSON.parse(readFileSync(kekFile(), 'utf8')) as KekFile;
const freshKek = (id: string) => ({ id, key: randomBytes(32).toString('base64url') });
function writeKeks(...keks: KekFile['keks']): void {
  writeFileSync(kekFile(), JSON.stringify({ keks }), { mode: 0o600 });
}

async function kids({ url }: Running): Promise<string[]> {
  const answer = await fetch(`${url}/.well-known/jwks.json`);
  return ((await answer.json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid).toSorted();
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 400; turn++) {
    if (await holds().catch(() => false)) return;
    await sleep(100);
  }
  throw new Error('it did not come true within 40 s');
}

const ready = async ({ url }: Running): Promise<boolean> => (await fetch(`${url}/health/ready`)).status === 200;

describe('a key-encryption key that is the wrong one', () => {
  it.each<[string, () => void]>([
    ['of the same name', () => writeKeks(freshKek(readKeks().keks[0]?.id ?? ''))],
    ['of another name', () => writeKeks(freshKek('another'))],
  ])(
    '%s: the JWKS is served, nothing is signed, nothing is made anew, and the log names the key',
    async (what, spoil) => {
      deployment = new Deployment(
        realm.url,
        await server.createDatabase(`wrong_${what.replace(/\W/g, '_')}`.slice(0, 40)),
        {
          KEYS_PROPAGATION: '6s',
        },
      );
      const before = await deployment.start();
      await until(() => ready(before));
      const published = await kids(before);
      await before.close();
      const good = readKeks();
      spoil();
      const after = await deployment.start();
      await until(async () => (await fetch(`${after.url}/.well-known/jwks.json`)).status === 200);
      expect(await kids(after)).toEqual(published);
      const refused = await exchange(after.url, realm.token());
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, expect.stringMatching(/^\d+$/)]);
      expect(await ready(after)).toBe(false);
      await until(() => Promise.resolve(published.some((kid) => after.log().includes(kid))));
      expect(after.log()).toMatch(/key-encryption key/);
      await sleep(3_500);
      expect(await kids(after)).toEqual(published);
      expect(after.log()).not.toContain(good.keks[0]?.key);
      await after.close();
      writeKeks(...good.keks);
      const mended = await deployment.start();
      await until(() => ready(mended));
      expect(await kids(mended)).toEqual(published);
      expect((await exchange(mended.url, realm.token())).status).toBe(200);
    },
  );
});

describe('a key-encryption key that is missing', () => {
  it('refuses to start, names the file and the keys sealed under it, and makes nothing in its place', async () => {
    deployment = new Deployment(realm.url, await server.createDatabase('missing_file'), { KEYS_PROPAGATION: '6s' });
    const before = await deployment.start();
    await until(() => ready(before));
    const published = await kids(before);
    await before.close();
    const good = readKeks();
    rmSync(kekFile());
    const refused: unknown = await deployment.start().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ConfigurationError);
    const [problem = ''] = (refused as ConfigurationError).problems;
    for (const named of [kekFile(), ...published, good.keks[0]?.id ?? '']) expect(problem).toContain(named);
    expect(existsSync(kekFile())).toBe(false);
    writeKeks(...good.keks);
    const mended = await deployment.start();
    await until(() => ready(mended));
    expect(await kids(mended)).toEqual(published);
  });

  it('is not made anew either where the database came back after the start', async ({ skip }) => {
    skip(server.notOurs !== undefined, server.notOurs);
    deployment = new Deployment(realm.url, await server.createDatabase('missing_late'), { KEYS_PROPAGATION: '6s' });
    const before = await deployment.start();
    await until(() => ready(before));
    await before.close();
    rmSync(kekFile());
    await server.kill();
    const starting = deployment.start();
    await starting.catch(() => undefined);
    await server.restart();
    const waiting = await starting;
    await until(() => Promise.resolve(waiting.log().includes(`${kekFile()} is missing`)));
    expect((await exchange(waiting.url, realm.token())).status).toBe(503);
    expect(await ready(waiting)).toBe(false);
    expect(existsSync(kekFile())).toBe(false);
  });
});

describe('changing the key-encryption key', () => {
  it('seals the keys again while tokens are exchanged, after which the old one may go', async () => {
    deployment = new Deployment(realm.url, await server.createDatabase('rewrap'));
    const running = await deployment.start();
    await until(() => ready(running));
    const published = await kids(running);
    const [old] = readKeks().keks;
    const next = freshKek('next');
    if (old) writeKeks(old, next);
    const replica = await deployment.start();
    await until(() => ready(replica));
    const outcomes: number[] = [];
    const stop = new AbortController();
    const load = async ({ url }: Running): Promise<void> => {
      while (!stop.signal.aborted) outcomes.push((await exchange(url, realm.token())).status);
    };
    const loads = [load(running), load(replica)];
    const logger = createLogger('rewrap', 'error', { write: () => undefined });
    const { keys, database } = await composeKeys(readConfig(deployment.environment), logger, { serves: false });
    const moved = await keys.rewrap({ reason: 'the old key goes', requestId: 'rewrap-1' });
    expect(moved.toSorted()).toEqual(published);
    expect(await keys.rewrap({ reason: 'again', requestId: 'rewrap-2' })).toEqual([]);
    const during = outcomes.length;
    await until(() => Promise.resolve(outcomes.length > during + 20));
    stop.abort();
    await Promise.all(loads);
    expect(outcomes.filter((status) => status !== 200)).toEqual([]);
    await keys.close();
    await database.close();
    await Promise.all([running.close(), replica.close()]);
    writeKeks(next);
    const without = await deployment.start();
    await until(() => ready(without));
    expect(await kids(without)).toEqual(published);
    expect((await exchange(without.url, realm.token())).status).toBe(200);
  });
});
