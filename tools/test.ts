/**
 * `npm test`: every suite, or those that are named, and one honest line at the end. A suite that could not run because a
 * real part cannot be had here is listed with its reason; with MODELGATE_REQUIRE=all it has failed.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from './build.ts';
import { check } from './check.ts';
import { exitCode, start, step, tool } from './step.ts';
import type { Tally } from './tally-reporter.ts';

const suites = ['check', 'unit', 'simulation', 'integration', 'e2e'] as const;
type Suite = (typeof suites)[number];

const help = `npm test [-- <suite> …]   suites: ${suites.join(', ')}; all of them by default

  check        build, types, format, lint
  unit         libraries, apps and the architecture, without a server; seconds
  simulation   10,000 seeded runs of the key lifecycle; KEYS_SEED=n replays one
  integration  ports on real PostgreSQL, apps on real sockets, the real parts themselves
  e2e          real Keycloak and real KServe through both services

Environment: MODELGATE_REQUIRE=all   a real part that is missing is a failure, not a skip
             MODELGATE_CACHE         where downloads and built servers are kept
`;

async function main(): Promise<number> {
  const named = process.argv.slice(2);
  if (named.includes('--help')) return say(help, 0);
  const unknown = named.filter((name) => !(suites as readonly string[]).includes(name));
  if (unknown.length > 0) return say(`unknown suite ${unknown.join(', ')}\n\n${help}`, 64);
  const wanted = suites.filter((suite) => named.length === 0 || named.includes(suite));

  const needsParts = wanted.includes('integration') || wanted.includes('e2e');
  const parts = needsParts ? exitCode(start(tool('install-parts.ts'))) : Promise.resolve(0);
  const total: Tally = { passed: 0, failed: 0, skipped: [] };
  if (!wanted.includes('check') && !(await build())) total.failed++;
  for (const suite of wanted) {
    if (suite === 'integration' || suite === 'e2e') await parts;
    add(total, await run(suite));
  }
  await parts;
  return conclude(total);
}

async function run(suite: Suite): Promise<Tally> {
  if (suite === 'check') {
    const { passed, failed } = await check();
    return { passed: passed.length, failed: failed.length, skipped: [] };
  }
  return vitest(suite);
}

async function vitest(project: string): Promise<Tally> {
  const folder = mkdtempSync(join(tmpdir(), 'modelgate-tally-'));
  const file = join(folder, 'tally.json');
  try {
    const reporters = ['--reporter=default', '--reporter=./tools/tally-reporter.ts'];
    const code = await step(project, ['vitest', 'run', '--project', project, '--passWithNoTests', ...reporters], {
      MODELGATE_TALLY: file,
    });
    const tally = JSON.parse(readFileSync(file, 'utf8')) as Tally;
    return code === 0 || tally.failed > 0 ? tally : { ...tally, failed: 1 };
  } catch (error) {
    process.stderr.write(`${project}: no tally: ${String(error)}\n`);
    return { passed: 0, failed: 1, skipped: [] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function add(total: Tally, tally: Tally): void {
  total.passed += tally.passed;
  total.failed += tally.failed;
  total.skipped.push(...tally.skipped);
}

function conclude({ passed, failed, skipped }: Tally): number {
  if (skipped.length > 0) process.stdout.write('\nSkipped:\n');
  for (const { name, reason } of skipped) process.stdout.write(`  ${name}\n    ${reason}\n`);
  process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped.length} skipped\n`);
  const missing = process.env['MODELGATE_REQUIRE'] === 'all' && skipped.length > 0;
  return failed > 0 || missing || passed === 0 ? 1 : 0;
}

function say(text: string, code: number): number {
  process.stdout.write(text);
  return code;
}

process.exitCode = await main();
