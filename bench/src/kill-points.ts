import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export interface KillPoints {
  tried: number;
  /** Where it did not hold, in a line each. */
  failures: string[];
}

interface JsonReport {
  testResults: { assertionResults: { status: string; meta: { killPoints?: number }; failureMessages: string[] }[] }[];
}

/**
 * Transitions that are cut off before and after each of their statements, one run each: the integration test itself, which
 * fails where the JWKS does not hold throughout or the next tick does not put things right.
 */
export function tryKillPoints(): KillPoints {
  const suite = ['--project', 'integration', 'libs/token/store/src/kill-points.itest.ts'];
  const folder = mkdtempSync(join(tmpdir(), 'modelgate-kill-points-'));
  const file = join(folder, 'report.json');
  spawnSync('vitest', ['run', ...suite, '--reporter=json', `--outputFile=${file}`], { cwd: root });
  const report = JSON.parse(readFileSync(file, 'utf8')) as JsonReport;
  rmSync(folder, { recursive: true });
  const ran = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  return {
    tried: ran.reduce((sum, { meta }) => sum + (meta.killPoints ?? 0), 0),
    failures: ran
      .filter(({ status }) => status !== 'passed')
      .map(({ failureMessages, status }) => failureMessages[0]?.split('\n', 1)[0] ?? status),
  };
}
