import { postgres, type PostgresServer } from '@modelgate/real-parts';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { Deployment, exchange, RealmDouble } from './token-service.fixture.ts';

const script = fileURLToPath(new URL('../dist/worker.js', import.meta.url));
let server: PostgresServer & { stop(): Promise<void> };
let realm: RealmDouble;
beforeEach(({ skip }) => {
  skip(!existsSync(script), 'the token service is not built: npm run build');
});
beforeAll(async () => {
  [server, realm] = await Promise.all([postgres.start(), new RealmDouble().start()]);
});
afterAll(async () => {
  await realm.stop();
  await server.stop();
});

it('works beside a service that takes no jobs, while keys rotate and no exchange fails, and ends with 0 on SIGTERM', async () => {
  const deployment = new Deployment(realm.url, server.url, {
    JOBS: 'off',
    KEYS_ROTATE_EVERY: '10s',
    KEYS_LEAD_TIME: '8s',
    KEYS_PROPAGATION: '6s',
    JWKS_MAX_AGE: '1s',
    CLOCK_SKEW: '1s',
    TOKEN_TTL: '10s',
    MAX_TOKEN_TTL: '10s',
    KEYS_VERIFIERS: 'none',
  });
  const service = await deployment.start();
  const worker: ChildProcess = spawn(process.execPath, [script], {
    env: { ...deployment.environment, JOBS: 'on' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => worker.once('close', resolve));
  let errors = '';
  worker.stderr?.on('data', (text: Buffer) => (errors += text.toString()));
  const signers = new Set<string>();
  const refused: number[] = [];
  for (let turn = 0; turn < 900 && signers.size < 3; turn++) {
    const answer = await exchange(service.url, realm.token());
    if (answer.status === 200) {
      const { access_token: token } = (await answer.json()) as { access_token: string };
      const header = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string };
      signers.add(header.kid);
    } else if (signers.size > 0) refused.push(answer.status);
    await sleep(100);
  }
  worker.kill('SIGTERM');
  expect([signers.size, refused, errors]).toEqual([3, [], '']);
  expect(await ended).toBe(0);
  await deployment.stop();
}, 180_000);
