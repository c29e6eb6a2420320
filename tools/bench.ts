/**
 * `npm run bench -- <name>`: one measurement, as a table of figures and ratios against peers or floors of the same run.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { table, type Report } from '../bench/src/report.ts';
import { build } from './build.ts';

const benchmarks: Readonly<Record<string, () => Promise<Report>>> = {
  gateway: async () => (await import('../bench/src/gateway.ts')).benchmarkGateway(),
  rotation: async () => (await import('../bench/src/rotation.ts')).benchmarkRotation(),
};

const help = `npm run bench -- <name> [--json <file>]   names: ${Object.keys(benchmarks).join(', ')}

  gateway   CPU per proxied V1 request against bare nginx and a bare node:http echo
  rotation  requests refused while the signing key rotates every five seconds

Prints figures of this machine and this run; compare ratios, not microseconds. Exits non-zero when a stated goal is missed.
`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { json: { type: 'string' }, help: { type: 'boolean' } },
    allowPositionals: true,
  });
  const run = benchmarks[positionals[0] ?? ''];
  if (values.help || !run) {
    process.stdout.write(help);
    return values.help ? 0 : 64;
  }
  if (!(await build())) return 1;
  const report = await run();
  process.stdout.write(`\n${table(report)}\n`);
  if (values.json) writeFileSync(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
  return report.goalMissed ? 1 : 0;
}

process.exit(await main());
