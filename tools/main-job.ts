/**
 * The main job, once, in front of the reader: who may call which model, and how it is taken back. Every line is a request
 * that was really sent and the status that really came back.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { exchange, infer, readSecret, revoke, type JsonAnswer, type Stack } from '@modelgate/dev-stack';
import { root } from './step.ts';

export const irisPath = '/serving/fraud/iris/v1/models/iris:predict';
const digitsPath = '/serving/vision/digits/v1/models/digits:predict';
export const irisBody = { instances: [[6.8, 2.8, 4.8, 1.4]] };
const digitsBody = { instances: [Array.from({ length: 64 }, () => 0)] };

interface Line {
  what: string;
  wanted: number;
  got: number;
  note: string;
}

/** @returns whether every answer was the one that was wanted */
export async function runMainJob(stack: Stack, say: (text: string) => void): Promise<boolean> {
  const gateway = stack.gateways[0] ?? '';
  const client = { clientId: 'batch-scorer', secret: readSecret(stack, 'batch-scorer') };
  const lines: Line[] = [];
  const told = (what: string, wanted: number, { status, body }: JsonAnswer, note?: string): void => {
    const text = note ?? textOf(body['reason'] ?? body['error']);
    lines.push({ what, wanted, got: status, note: text });
    say(`  ${what.padEnd(58)} ${status}${status === wanted ? '' : ` (wanted ${wanted})`}  ${text}`);
  };
  const predict = (token?: string): Promise<JsonAnswer> => infer(gateway + irisPath, token, irisBody);

  told('no token', 401, await predict());
  const { accessToken } = await stack.realm.clientCredentials('batch-scorer');
  told('the identity provider’s own token', 401, await predict(accessToken));

  const first = await exchange(stack.issuer, client, accessToken, { scope: 'fraud/iris:predict' });
  const oldToken = tokenOf(first);
  told(
    'exchange it for a model token',
    200,
    first,
    `${String(first.body['scope'])}, ${String(first.body['expires_in'])} s`,
  );
  const answer = await predict(oldToken);
  told('predict with the model token', 200, answer, JSON.stringify(answer.body));
  told('another model with it', 403, await infer(gateway + digitsPath, oldToken, digitsBody));
  told(
    'another verb with it',
    403,
    await infer(gateway + irisPath.replace(':predict', ':explain'), oldToken, irisBody),
  );

  const rotation = await rotate(stack);
  const second = await exchange(stack.issuer, client, accessToken, { scope: 'fraud/iris:predict' });
  const newToken = tokenOf(second);
  told('rotate the signing key, exchange again', 200, second, rotation);
  told('the token signed by the old key', 200, await predict(oldToken), `kid ${kidOf(oldToken)}`);
  told('the token signed by the new key', 200, await predict(newToken), `kid ${kidOf(newToken)}`);
  if (kidOf(oldToken) === kidOf(newToken))
    lines.push({ what: 'rotation changed the key', wanted: 1, got: 0, note: '' });

  told('revoke the old token', 200, await revoke(stack.issuer, client, oldToken), '');
  const { answer: refused, seconds } = await untilRefused(() => predict(oldToken));
  told('predict with the revoked token', 401, refused, `after ${seconds.toFixed(1)} s`);
  told('the other token goes on', 200, await predict(newToken), '');
  return lines.every(({ wanted, got }) => wanted === got);
}

/** The spare needs its lead time before it may sign; the stack is configured so that this is a matter of seconds. */
async function rotate(stack: Stack): Promise<string> {
  const command = join(root, 'apps/token-service/dist/admin-command/main.js');
  const env = { PATH: process.env['PATH'] ?? '', ...stack.tokenServiceEnv };
  for (let tries = 0; ; tries++) {
    try {
      await promisify(execFile)(process.execPath, [command, 'keys', 'rotate', '--reason', 'main job'], { env });
      await sleep(Number(stack.tokenServiceEnv['KEYS_PROPAGATION']?.replace('s', '') ?? 10) * 1000);
      return 'modelgate-admin keys rotate';
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 75) || tries === 30) throw error;
      await sleep(1000);
    }
  }
}

async function untilRefused(predict: () => Promise<JsonAnswer>): Promise<{ answer: JsonAnswer; seconds: number }> {
  const started = performance.now();
  for (;;) {
    const answer = await predict();
    const seconds = (performance.now() - started) / 1000;
    if (answer.status !== 200 || seconds > 10) return { answer, seconds };
    await sleep(50);
  }
}

function tokenOf({ body }: JsonAnswer): string {
  return textOf(body['access_token']);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function kidOf(token: string): string {
  const header = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString() || '{}') as { kid?: string };
  return String(header.kid).slice(0, 8);
}
