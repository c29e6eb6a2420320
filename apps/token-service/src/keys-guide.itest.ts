import { postgres, type PostgresServer } from '@modelgate/real-parts';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Deployment, exchange, RealmDouble, type Running } from './token-service.fixture.ts';

const guide = readFileSync(fileURLToPath(new URL('../../../docs/guides/signing-keys.md', import.meta.url)), 'utf8');
const command = fileURLToPath(new URL('../dist/admin/main.js', import.meta.url));
/** The blocks of each chapter, in order. */
const runnable: { chapter: string; commands: string }[] = [];
let current = '';
for (const [, chapter, commands] of guide.matchAll(/^## (.+)$|^```sh\n([\s\S]*?)^```$/gm)) {
  current = chapter ?? current;
  if (commands !== undefined) runnable.push({ chapter: current, commands });
}

// oxlint-disable-next-line node/no-process-env -- a shell needs one
const path = process.env['PATH'] ?? '';
const quick = {
  KEYS_LEAD_TIME: '4s',
  KEYS_PROPAGATION: '2s',
  JWKS_MAX_AGE: '1s',
  CLOCK_SKEW: '1s',
  KEYS_VERIFIERS: 'none',
  PORT: '0',
};
let server: PostgresServer & { stop(): Promise<void> };
let realm: RealmDouble;
let deployment: Deployment;
let service: Running;

beforeEach(({ skip }) => {
  skip(!existsSync(command), 'the token service is not built: npm run build');
});
beforeAll(async () => {
  [server, realm] = await Promise.all([postgres.start(), new RealmDouble().start()]);
  deployment = new Deployment(realm.url, server.url, quick);
  service = await deployment.start();
  const shim = `#!/bin/sh\nexec "${process.execPath}" "${command}" "$@"\n`;
  writeFileSync(join(deployment.folder, 'modelgate-admin'), shim, { mode: 0o755 });
});
afterAll(async () => {
  await deployment.stop();
  await realm.stop();
  await server.stop();
});

interface Listed {
  keys: { kid: string; state: string; earliestActivation?: string }[];
}

/** Runs one block as a shell would, with the service's environment. */
function run(
  commands: string,
  more: Record<string, string> = {},
): Promise<{ code: number; output: string; errors: string }> {
  const script = `set -e\n${commands}`;
  const env = { PATH: `${deployment.folder}:${path}`, ...deployment.environment, ...more };
  return new Promise((resolve) => {
    execFile('sh', ['-c', script], { env }, (error, output, errors) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, output, errors }),
    );
  });
}

async function listed(): Promise<Listed['keys']> {
  const { output } = await run('modelgate-admin keys list');
  return (JSON.parse(output) as Listed).keys;
}

/** The guide says to wait for it. */
async function spareIsReady(): Promise<void> {
  for (let tries = 0; tries < 60; tries++) {
    const spare = (await listed()).find(({ state }) => state === 'STANDBY');
    if (spare?.earliestActivation !== undefined && Date.parse(spare.earliestActivation) <= Date.now()) return;
    await sleep(250);
  }
  throw new Error('the spare did not become ready');
}

describe('the guide to the signing keys', () => {
  it('has a step for each of its chapters', () => {
    expect(runnable.length).toBeGreaterThanOrEqual(9);
    expect(new Set(runnable.map(({ chapter }) => chapter)).size).toBe(6);
  });

  it.each(runnable.map(({ chapter, commands }, index) => [index + 1, chapter, commands] as const))(
    'step %i (%s) does what it says: %s',
    async (_, _chapter, commands) => {
      if (commands.includes('keys rotate')) await spareIsReady();
      const before = await listed();
      const active = before.find(({ state }) => state === 'ACTIVE')?.kid ?? '';
      const { code, output, errors } = await run(commands, { ACTIVE: active });
      expect(errors).toBe('');
      expect(code).toBe(0);
      expect(() => JSON.parse(output) as unknown).not.toThrow();
      const after = await listed();
      const stateOf = (kid: string): string | undefined => after.find((key) => key.kid === kid)?.state;
      if (commands.includes('rotate')) expect(stateOf(active)).toBe('RETIRING');
      if (commands.includes('suspect')) expect(stateOf(active)).toBe('SUSPECT');
      if (commands.includes('revoke')) expect(stateOf(active)).toBe('REVOKED');
      if (/list|rehearse|rewrap/.test(commands)) expect(stateOf(active)).toBe('ACTIVE');
      if (commands.includes('prepare')) {
        const spare = before.find(({ state }) => state === 'STANDBY')?.kid ?? '';
        expect(stateOf(spare)).not.toBe('STANDBY');
      }
      expect(after.filter(({ state }) => state === 'ACTIVE')).toHaveLength(1);
      expect(after.filter(({ state }) => state === 'STANDBY')).toHaveLength(1);
    },
  );

  it('refuses a rotation while the spare is too young, with the time, and without a reason', async () => {
    await run('modelgate-admin keys prepare --reason test');
    const young = await run('modelgate-admin keys rotate --reason test');
    expect(young.code).toBe(75);
    expect(young.errors).toContain('earliest activation');
    expect((await run('modelgate-admin keys rotate')).code).toBe(64);
    expect((await run('modelgate-admin keys revoke --kid nobody --reason test')).code).toBe(75);
  });

  it('leaves a service behind that issues tokens', async () => {
    let status = 503;
    for (let tries = 0; status !== 200 && tries < 40; tries++) {
      await sleep(250);
      ({ status } = await exchange(service.url, realm.token()));
    }
    expect(status).toBe(200);
  });
});
