/**
 * `npm run check`: everything that can be said of the sources without running them, in under a minute.
 */
import { build } from './build.ts';
import { readArguments } from './command-line.ts';
import { step, tool } from './step.ts';

const help = `npm run check: format, lint, types, architecture, generated files. No test that needs a server.\n`;

const steps: readonly [string, readonly string[]][] = [
  ['types of tests and tools', ['tsc', '-p', 'tsconfig.test.json']],
  ['format', ['prettier', '--check', '--log-level', 'warn', '.']],
  ['generated pages', tool('generate.ts', '--check')],
  ['lint', ['oxlint', '--deny-warnings']],
];

/**
 * @param limitSeconds of each step
 * @returns the names of the checks that failed, and of those that passed
 */
export async function check(limitSeconds?: number): Promise<{ passed: string[]; failed: string[] }> {
  const passed: string[] = [];
  const failed: string[] = [];
  const note = (name: string, ok: boolean): void => void (ok ? passed : failed).push(name);

  note('build', await build());
  for (const [name, command] of steps) {
    note(name, (await step(name, command, limitSeconds === undefined ? {} : { limitSeconds })) === 0);
  }
  return { passed, failed };
}

if (import.meta.main) {
  readArguments(help, {});
  const { failed } = await check();
  const vitest = ['vitest', 'run', '--project', 'unit', 'tools/architecture.test.ts'];
  const architecture = await step('architecture', vitest);
  process.exitCode = failed.length + architecture === 0 ? 0 : 1;
}
