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
import { tryKillPoints, type KillPoints } from './kill-points.ts';
import type { Report } from './report.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const requests = 100_000;
const replicas = { tokenService: 2, gateway: 2 };

/**
 * Keys that rotate every five seconds under constant load, with two token services behind one address and two gateways:
 * how many requests are refused. The goal is none. Then transitions that are killed at each of their statements.
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
    process.stdout.write('  killing a rotation, a withdrawal and a revocation at each of their statements\n');
    return report(result, tryKillPoints());
  } finally {
    await stack.stop();
    backend.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

function report(
  { requests, exchanges, refused, refusals, keys, seconds }: RotationResult,
  { tried, failures }: KillPoints,
): Report {
  return {
    title: `Rotation under load: ${replicas.tokenService} token services, ${replicas.gateway} gateways, a new key every ${rapidKeys.KEYS_ROTATE_EVERY}`,
    sections: [],
    notes: [
      `${requests} requests (${exchanges} exchanges, ${requests - exchanges} predictions) in ${seconds.toFixed(0)} s`,
      `${keys} keys signed, so ${keys - 1} rotations`,
      `${refused} refused (goal: 0)`,
      ...refusals,
      `${tried} kill points in a rotation, a withdrawal and a revocation: ${failures.length === 0 ? 'the JWKS held throughout, and the next tick put things right' : 'it did not hold, or was not put right, everywhere'}`,
      ...failures,
    ],
    goalMissed: refused > 0 || keys < 3 || tried === 0 || failures.length > 0,
  };
}
