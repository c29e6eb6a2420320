import { envoy } from '@modelgate/real-parts';
import type { FakeIssuer } from '@modelgate/testing';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstLine, script, startOn } from './child.ts';
import { cpuMicroseconds } from './cpu-time.ts';
import { startEnvoy } from './envoy.ts';
import { startGateway } from './gateway-process.ts';
import type { GrpcLoadPlan } from './grpc-load.ts';
import type { LoadResult } from './load.ts';
import { rounds } from './measurement.ts';
import type { Proxy, Setting } from './proxy.ts';
import { best, type Row, type Section } from './report.ts';

export const grpcTitle = 'gRPC ModelInfer, 100 KB, token seen before';

/** Of each round. */
export const callsOfRun = 6_000;
/** Sent to each before anything is measured. */
const warmUpRequests = 20_000;
const latencyRequests = 1_000;
/** As h2load's `-c 8 -m 4`. */
const width = { connections: 8, streams: 4 };
const answerBytes = 389;
const envoyName = `${envoy.name}, cache`;
const floorName = 'node:http2 alone';
/** The gateway's CPU per call is to be at most so many times Envoy's. */
const goal = 2;

/** One unary call through one process, which has to read the message to know whether it may pass; Envoy reads none. */
export async function measureGrpc(common: Setting, issuer: FakeIssuer): Promise<{ section: Section; missed: boolean }> {
  const backend = startOn('other', script('grpc-backend.ts'));
  const setting: Setting = { ...common, upstreamPort: Number(await firstLine(backend)), grpc: true };
  const measured: { name: string; proxy: Proxy }[] = [];
  try {
    measured.push({ name: 'gateway', proxy: await startGateway(setting) });
    const available = await envoy.available();
    if (available.ok) measured.push({ name: envoyName, proxy: await startEnvoy(setting, { cache: true }) });
    measured.push({ name: floorName, proxy: await startBareHttp2(setting.upstreamPort) });
    measured.push({ name: 'direct', proxy: { port: setting.upstreamPort, pids: [], stop: () => undefined } });
    const rows = await measureCalls(measured, issuer.sign());
    return conclude(rows);
  } finally {
    for (const { proxy } of measured) proxy.stop();
    backend.kill('SIGKILL');
  }
}

async function startBareHttp2(upstreamPort: number): Promise<Proxy> {
  const child = startOn('measured', script('bare-http2.ts', String(upstreamPort)));
  return {
    port: Number(await firstLine(child)),
    pids: [child.pid ?? 0],
    stop: () => void child.kill('SIGKILL'),
  };
}

async function measureCalls(measured: readonly { name: string; proxy: Proxy }[], token: string): Promise<Row[]> {
  const rows = measured.map(({ name }): Row => ({ name, cpu: [], p50: [], p99: [], errors: 0 }));
  for (const { proxy } of measured) await run(proxy.port, token, width, warmUpRequests);
  for (let round = 0; round < rounds; round++) {
    for (const [at, { name, proxy }] of measured.entries()) {
      const before = cpuMicroseconds(proxy.pids);
      const loaded = await run(proxy.port, token, width, callsOfRun);
      const used = cpuMicroseconds(proxy.pids) - before;
      const alone = await run(proxy.port, token, { connections: 1, streams: 1 }, latencyRequests);
      const firstError = loaded.firstError ?? alone.firstError;
      if (firstError !== undefined) process.stderr.write(`${name}: ${firstError}\n`);
      const row = rows[at];
      row?.cpu.push(used / loaded.requests);
      row?.p50.push(alone.p50);
      row?.p99.push(alone.p99);
      if (row) row.errors += loaded.errors + alone.errors;
    }
  }
  return rows;
}

/** As many calls as in one round. */
export function runCalls(port: number, token: string): Promise<LoadResult> {
  return run(port, token, width, callsOfRun);
}

async function run(
  port: number,
  token: string,
  { connections, streams }: { connections: number; streams: number },
  count: number,
): Promise<LoadResult> {
  const folder = mkdtempSync(join(tmpdir(), 'modelgate-load-'));
  const file = join(folder, 'plan.json');
  const body = message().toString('base64');
  const plan: GrpcLoadPlan = { port, token, body, connections, streams, requests: count, answerBytes };
  writeFileSync(file, JSON.stringify(plan));
  try {
    return JSON.parse(await firstLine(startOn('other', script('grpc-load.ts', file)))) as LoadResult;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A request of `ModelInfer` with its prefix: the model's name, and one raw tensor of 100 KB. */
function message(): Buffer {
  const name = Buffer.from('fraud/iris');
  const tensor = Buffer.alloc(100_000, 7);
  const content = Buffer.concat([
    Buffer.from([0x0a, name.length]),
    name,
    // Field 7, 100 000 bytes.
    Buffer.from([0x3a, 0xa0, 0x8d, 0x06]),
    tensor,
  ]);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(content.length, 1);
  return Buffer.concat([prefix, content]);
}

function conclude(rows: readonly Row[]): { section: Section; missed: boolean } {
  const ratioTo = (name: string): number | undefined => {
    const [gateway, other] = [rows[0], rows.find((row) => row.name === name)];
    return gateway && other && best(gateway.cpu) / best(other.cpu);
  };
  const ratio = ratioTo(envoyName);
  const missed = (ratio ?? 0) > goal || rows.some(({ errors }) => errors > 0);
  const notes = [
    ratio === undefined
      ? 'Envoy cannot be had here: nothing to compare with'
      : `gateway / ${envoyName} = ${ratio.toFixed(2)}  (goal: at most ${goal}${ratio > goal ? ', MISSED' : ''})`,
    `gateway / ${floorName} = ${ratioTo(floorName)?.toFixed(2)}`,
  ];
  return { section: { title: grpcTitle, rows, notes }, missed };
}
