/**
 * `npm run bench -- <name>`: one measurement, as a table of figures and ratios against peers or floors of the same run.
 */
import { writeFileSync } from 'node:fs';
import { reportText, type Report } from '../bench/src/report.ts';
import { build } from './build.ts';
import { misused, readArguments } from './command-line.ts';

interface Options {
  /** Part of the titles of what is to be measured. */
  only?: string | undefined;
  /** How long a soak lasts. */
  seconds?: number | undefined;
}

const benchmarks: Readonly<Record<string, (options: Options) => Promise<Report>>> = {
  gateway: async ({ only }) => (await import('../bench/src/gateway.ts')).benchmarkGateway(only),
  growth: async ({ only }) => (await import('../bench/src/growth.ts')).benchmarkGrowth(only),
  soak: async ({ seconds }) => (await import('../bench/src/soak.ts')).benchmarkSoak(seconds),
  profile: async ({ only }) => (await import('../bench/src/profile.ts')).profileGateway(only),
  rotation: async () => (await import('../bench/src/rotation.ts')).benchmarkRotation(),
};

const help = `npm run bench -- <name> [--only <text>] [--seconds <n>] [--out <file>] [--json <file>]   names: ${Object.keys(benchmarks).join(', ')}

  gateway   CPU per proxied request beside nginx, HAProxy, Envoy and oauth2-proxy, as far as they can be had;
            --only measures the scenarios alone whose title contains a text, such as "V1" or "over TLS"
  growth    CPU per request with 1 and with 10,000 models, 100,000 tokens, 1,000 idle connections, 500 streams; memory of each
  soak      ten minutes (--seconds) of everything at once: what is refused or breaks off, and whether the heap grows
  profile   where the time of the gateway goes, file by file, for four kinds of request (--only)
  rotation  requests refused while the signing key rotates every five seconds

Prints figures of this machine and this run, and writes them to --out too; compare ratios, not microseconds. Exits non-zero
when a stated goal is missed.
`;

const text = { type: 'string' } as const;

function read() {
  const options = { only: text, seconds: text, out: text, json: text };
  const { values, positionals } = readArguments(help, options, { names: true });
  const name = positionals.join(' ');
  const run = Object.hasOwn(benchmarks, name) ? benchmarks[name] : undefined;
  if (!run) misused(name === '' ? 'No name was given' : `There is no benchmark ${name}`, help);
  const seconds = values.seconds === undefined ? undefined : Number(values.seconds);
  if (seconds !== undefined && !(seconds > 0)) misused('--seconds is a number above 0', help);
  return { ...values, run, seconds };
}

async function main(): Promise<number> {
  const { run, only, seconds, out, json } = read();
  if (!(await build())) return 1;
  const report = await run({ only, seconds });
  const table = reportText(report);
  process.stdout.write(`\n${table}\n`);
  if (out) writeFileSync(out, table);
  if (json) writeFileSync(json, `${JSON.stringify(report, undefined, 2)}\n`);
  return report.goalMissed ? 1 : 0;
}

process.exit(await main());
