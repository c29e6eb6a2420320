/**
 * `npm test`: every suite, or those that are named, and one honest line at the end. A suite that could not run because a
 * real part cannot be had here is listed with its reason; with MODELGATE_REQUIRE=all it has failed.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suitesMissing } from '@modelgate/testing';
import { build } from './build.ts';
import { check } from './check.ts';
import { misused } from './command-line.ts';
import { announce } from './announce.ts';
import { exitCode, start, step, tookTooLong, tool } from './step.ts';
import type { Tally } from './tally-reporter.ts';

/** In the order in which they run, with how many minutes each may take: a hang is a failure with a name. */
const limits = { check: 10, unit: 10, simulation: 10, integration: 30, e2e: 20 } as const;
type Suite = keyof typeof limits;
const suites = Object.keys(limits) as Suite[];

const help = `npm test [-- <suite> …]   suites: ${suites.join(', ')}; all of them by default

  check        build, types, format, lint
  unit         libraries, apps and the architecture, without a server; seconds
  simulation   10,000 seeded runs of the key lifecycle; KEYS_SEED=n replays one
  integration  ports on real PostgreSQL, apps on real sockets, the real parts themselves
  e2e          real Keycloak and real KServe through both services

Environment: MODELGATE_REQUIRE=all   a real part that is missing is a failure, not a skip
             MODELGATE_CACHE         where downloads and built servers are kept
             KEYCLOAK_URL            a Keycloak that runs already, with the realm of deploy/keycloak imported
             DATABASE_URL            a PostgreSQL that runs already, in which its user may create databases
             KUBEBUILDER_ASSETS      a folder with an etcd and a kube-apiserver, which are built otherwise
             MODELGATE_SUITES        the public test data of other projects; default: ../shared/suites
`;

async function main(): Promise<number> {
  const named = process.argv.slice(2);
  if (named.includes('--help')) {
    process.stdout.write(help);
    return 0;
  }
  const unknown = named.filter((name) => !(suites as readonly string[]).includes(name));
  if (unknown.length > 0) misused(`There is no suite ${unknown.join(', ')}`, help);
  const wanted = suites.filter((suite) => named.length === 0 || named.includes(suite));

  await announce();
  const needsParts = wanted.includes('integration') || wanted.includes('e2e');
  const parts = needsParts ? exitCode(start(tool('install-parts.ts'))) : Promise.resolve(0);
  const total: Tally = { passed: 0, failed: [], skipped: [] };
  if (!wanted.includes('check') && !(await build())) add(total, failure('build'));
  const times: string[] = [];
  for (const suite of wanted) {
    if (suite === 'integration' || suite === 'e2e') await parts;
    const started = Date.now();
    add(total, await run(suite));
    times.push(`${suite} ${Math.round((Date.now() - started) / 1000)} s`);
  }
  await parts;
  process.stdout.write(`\nTimes: ${times.join(', ')}\n`);
  return conclude(total);
}

async function run(suite: Suite): Promise<Tally> {
  const limitSeconds = limits[suite] * 60;
  if (suite === 'check') {
    const { passed, failed } = await check(limitSeconds);
    return { passed: passed.length, failed, skipped: [] };
  }
  return vitest(suite, limitSeconds);
}

async function vitest(project: string, limitSeconds: number): Promise<Tally> {
  const folder = mkdtempSync(join(tmpdir(), 'modelgate-tally-'));
  const file = join(folder, 'tally.json');
  try {
    const reporters = ['--reporter=default', '--reporter=./tools/tally-reporter.ts'];
    const code = await step(project, ['vitest', 'run', '--project', project, '--passWithNoTests', ...reporters], {
      env: { MODELGATE_TALLY: file },
      limitSeconds,
    });
    if (code === tookTooLong) return failure(`${project}: ended at its limit of ${limitSeconds} s`);
    const tally = JSON.parse(readFileSync(file, 'utf8')) as Tally;
    return code === 0 || tally.failed.length > 0 ? tally : { ...tally, failed: [`${project}: exit ${code}`] };
  } catch (error) {
    process.stderr.write(`${project}: no tally: ${String(error)}\n`);
    return failure(`${project}: no tally`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function add(total: Tally, tally: Tally): void {
  total.passed += tally.passed;
  total.failed.push(...tally.failed);
  total.skipped.push(...tally.skipped);
}

function failure(name: string): Tally {
  return { passed: 0, failed: [name], skipped: [] };
}

function conclude({ passed, failed, skipped }: Tally): number {
  if (skipped.length > 0) process.stdout.write('\nSkipped:\n');
  for (const { name, reason } of skipped) process.stdout.write(`  ${name}\n    ${reason}\n`);
  if (failed.length > 0) process.stdout.write(`\nFailed:\n${failed.map((name) => `  ${name}\n`).join('')}`);
  process.stdout.write(`\n${passed} passed, ${failed.length} failed, ${skipped.length} skipped\n`);
  // The test data of others is no part that can be installed: what needs it is listed, and required of nobody.
  const required = skipped.filter(({ reason }) => reason !== suitesMissing);
  const missing = process.env['MODELGATE_REQUIRE'] === 'all' && required.length > 0;
  return failed.length > 0 || missing || passed === 0 ? 1 : 0;
}

process.exitCode = await main();
