import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { reached, stack } from './stack.ts';

const command = fileURLToPath(new URL('../apps/cli/dist/main.js', import.meta.url));

interface Report {
  verdict: string;
  findings: { kind: string; token: string; outcome: string; status?: number }[];
}

async function doctor(...args: string[]): Promise<{ code: number; report: Report }> {
  const { stdout, code } = await promisify(execFile)(process.execPath, [command, 'doctor', '--json', ...args]).then(
    (done) => ({ ...done, code: 0 }),
    (error: { stdout: string; code: number }) => error,
  );
  return { code, report: JSON.parse(stdout) as Report };
}

describe('the posture check', () => {
  it('finds the gateway closed, and the door of the model server that the stack has left open', async () => {
    const closed = await doctor('--gateway', stack.gateway);
    expect(closed.code).toBe(0);
    expect(closed.report.findings.map(({ token, status }) => [token, status])).toEqual([
      ['none', 401],
      ['wrong', 401],
    ]);
    const before = (await reached()).length;
    const open = await doctor('--gateway', stack.gateway, '--address', stack.modelServer);
    expect([open.code, open.report.verdict]).toEqual([1, 'open']);
    expect(open.report.findings.filter(({ outcome }) => outcome === 'answered').map(({ kind }) => kind)).toEqual([
      'direct',
      'direct',
    ]);
    expect((await reached()).length).toBe(before);
  });
});
