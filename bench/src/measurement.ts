import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuMicroseconds } from './cpu-time.ts';
import { firstLine, script, startOn } from './child.ts';
import type { LoadPlan, LoadResult } from './load.ts';
import type { Proxy } from './proxy.ts';
import type { Row } from './report.ts';

/** Who is measured, and with which requests. */
export interface Measured {
  name: string;
  proxy: Proxy;
  heads: readonly string[];
  body: Buffer;
  tls: boolean;
  /** Of each round. */
  requests: number;
  /** How many were sent so far: the heads take turns from run to run. */
  sent?: number;
}

export const rounds = 3;
export const connections = 32;
/** Sent to each before anything is measured: as many as it takes until V8 has compiled what they run through. */
const warmUpRequests = 20_000;
/** One at a time, for the latencies. */
const latencyRequests = 2_000;

/** Everybody in turns, three rounds after a warm-up: whatever disturbs the machine disturbs all of them. */
export async function measureInTurns(measured: readonly Measured[]): Promise<Row[]> {
  const rows = measured.map(({ name }): Row => ({ name, cpu: [], p50: [], p99: [], errors: 0 }));
  for (const one of measured) await run(one, connections, warmUpRequests);
  for (let round = 0; round < rounds; round++) {
    for (const [at, one] of measured.entries()) await measure(one, rows[at]);
  }
  return rows;
}

async function measure(measured: Measured, row: Row | undefined): Promise<void> {
  const before = cpuMicroseconds(measured.proxy.pids);
  const loaded = await run(measured, connections, measured.requests);
  const used = cpuMicroseconds(measured.proxy.pids) - before;
  const alone = await run(measured, 1, latencyRequests);
  for (const { firstError } of [loaded, alone]) {
    if (firstError) process.stderr.write(`${measured.name}: ${firstError}\n`);
  }
  row?.cpu.push(used / loaded.requests);
  row?.p50.push(alone.p50);
  row?.p99.push(alone.p99);
  if (row) row.errors += loaded.errors + alone.errors;
}

/** Sends so many requests. @returns what came of them */
export async function run(
  measured: Omit<Measured, 'name' | 'requests'>,
  width: number,
  requests: number,
): Promise<LoadResult> {
  const { proxy, heads, body, tls, sent = 0 } = measured;
  measured.sent = sent + requests;
  const folder = mkdtempSync(join(tmpdir(), 'modelgate-load-'));
  const file = join(folder, 'plan.json');
  const plan: LoadPlan = {
    port: proxy.port,
    heads,
    body: body.toString('base64'),
    tls,
    from: sent,
    connections: width,
    requests,
    expect: 'HTTP/1.1 200 ',
  };
  writeFileSync(file, JSON.stringify(plan));
  try {
    return JSON.parse(await firstLine(startOn('other', script('load.ts', file)))) as LoadResult;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
