import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  rapidKeys,
  rotationAccess,
  readSecret,
  runRotationLoad,
  startStack,
  type RotationResult,
} from '@modelgate/dev-stack';
import { firstLine, script, startOn } from './child.ts';
import type { Report } from './report.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const requests = 100_000;
const replicas = { tokenService: 2, gateway: 2 };

/**
 * Keys that rotate every five seconds under constant load, with two token services behind one address and two gateways:
 * how many requests are refused. The goal is none.
 */
export async function benchmarkRotation(): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'modelgate-rotation-'));
  const backend = startOn('other', script('backend.ts'));
  const upstream = `http://127.0.0.1:${await firstLine(backend)}`;
  const stack = await startStack({
    root,
    folder,
    replicas,
    onProgress: (text) => process.stdout.write(`  ${text}\n`),
    catalogue: (models) => models.map((model) => ({ ...model, upstream })),
    access: rotationAccess,
    tokenServiceEnv: rapidKeys,
    gatewayEnv: { CLOCK_SKEW: '1s', DEFAULT_LIMIT: '100000000/1s' },
  });
  try {
    const { accessToken } = await stack.realm.clientCredentials('long-lived');
    const result = await runRotationLoad(stack, {
      requests,
      concurrency: 16,
      client: { clientId: 'batch-scorer', secret: readSecret(stack, 'batch-scorer') },
      subjectToken: accessToken,
      path: '/serving/fraud/iris/v1/models/iris:predict',
      body: { instances: [[6.8, 2.8, 4.8, 1.4]] },
      onProgress: (text) => process.stdout.write(`  ${text}\n`),
    });
    return report(result);
  } finally {
    await stack.stop();
    backend.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

function report({ requests, exchanges, refused, refusals, keys, seconds }: RotationResult): Report {
  return {
    title: `Rotation under load: ${replicas.tokenService} token services, ${replicas.gateway} gateways, a new key every ${rapidKeys.KEYS_ROTATE_EVERY}`,
    rows: [],
    notes: [
      `${requests} requests (${exchanges} exchanges, ${requests - exchanges} predictions) in ${seconds.toFixed(0)} s`,
      `${keys} keys signed, so ${keys - 1} rotations`,
      `${refused} refused (goal: 0)`,
      ...refusals,
    ],
    goalMissed: refused > 0 || keys < 3,
  };
}
