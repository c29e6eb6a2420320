import { cpus } from 'node:os';
import { cpuMicroseconds } from './cpu-time.ts';
import { firstLine, pinning, script, startOn } from './child.ts';
import { startGateway } from './gateway-process.ts';
import type { LoadPlan, LoadResult } from './load.ts';
import { nginxVersion, startNginx, type Proxy } from './nginx.ts';
import { best, type Report, type Row } from './report.ts';

const rounds = 3;
const requestsPerRound = 40_000;
const warmUpRequests = 20_000;
const connections = 32;
const goal = 2.5;

/**
 * CPU per proxied V1 POST: small JSON, the token in the cache, the limit on, one gateway process. Everything that is
 * compared runs in the same run, in turns, since the machine may be shared.
 */
export async function benchmarkGateway(): Promise<Report> {
  const backend = startOn('other', script('backend.ts'));
  const backendPort = Number(await firstLine(backend));
  const proxies = await startProxies(backendPort);
  const rows = proxies.map(({ name }): Row => ({ name, cpu: [], p50: [], p99: [], errors: 0 }));
  try {
    for (const { proxy, request } of proxies) await run(proxy.port, request, warmUpRequests);
    for (let round = 0; round < rounds; round++) {
      for (const [index, { proxy, request }] of proxies.entries()) await measure(proxy, request, rows[index]);
    }
  } finally {
    for (const { proxy } of proxies) proxy.stop();
    backend.kill('SIGKILL');
  }
  return conclude(rows);
}

interface Measured {
  name: string;
  proxy: Proxy;
  request: string;
}

async function startProxies(backendPort: number): Promise<Measured[]> {
  const measured: Measured[] = [];
  const gateway = await startGateway(backendPort);
  measured.push({
    name: 'gateway',
    proxy: gateway,
    request: post('/serving/fraud/iris/v1/models/iris:predict', gateway.token),
  });
  const version = nginxVersion();
  if (version)
    measured.push({ name: version, proxy: await startNginx(backendPort), request: post('/v1/models/iris:predict') });
  const echo = startOn('measured', script('echo.ts'));
  const port = Number(await firstLine(echo));
  const proxy = { port, pids: [echo.pid ?? 0], stop: () => void echo.kill('SIGKILL') };
  measured.push({ name: 'node:http echo', proxy, request: post('/v1/models/iris:predict') });
  return measured;
}

const body = JSON.stringify({ instances: Array.from({ length: 10 }, () => [6.8, 2.8, 4.8, 1.4]) });

function post(path: string, token?: string): string {
  const head = [`POST ${path} HTTP/1.1`, 'host: 127.0.0.1', 'content-type: application/json', 'accept: */*'];
  if (token) head.push(`authorization: Bearer ${token}`);
  return `${head.join('\r\n')}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

async function run(port: number, request: string, requests: number): Promise<LoadResult> {
  const plan: LoadPlan = { port, request, connections, requests, expect: 'HTTP/1.1 200 ' };
  return JSON.parse(await firstLine(startOn('other', script('load.ts', JSON.stringify(plan))))) as LoadResult;
}

async function measure(proxy: Proxy, request: string, row: Row | undefined): Promise<void> {
  const before = cpuMicroseconds(proxy.pids);
  const result = await run(proxy.port, request, requestsPerRound);
  const used = cpuMicroseconds(proxy.pids) - before;
  if (result.firstError) process.stderr.write(`${row?.name}: ${result.firstError}\n`);
  row?.cpu.push(used / result.requests);
  row?.p50.push(result.p50);
  row?.p99.push(result.p99);
  if (row) row.errors += result.errors;
}

function conclude(rows: readonly Row[]): Report {
  const figure = (name: string): number | undefined => {
    const row = rows.find((candidate) => candidate.name.startsWith(name));
    return row && best(row.cpu);
  };
  const [gateway = Number.NaN, nginx, echo = Number.NaN] = [figure('gateway'), figure('nginx'), figure('node:http')];
  const notes = [
    nginx === undefined
      ? 'nginx could not be had here: no ratio against it.'
      : `gateway / nginx = ${(gateway / nginx).toFixed(2)}  (goal: at most ${goal})`,
    `gateway / node:http echo = ${(gateway / echo).toFixed(2)}`,
    `${rounds} rounds in turns, ${requestsPerRound} requests each after ${warmUpRequests} to warm up, ${connections} connections; ${pinning}; ${cpus().length} cores, Node ${process.versions.node}.`,
  ];
  const errors = rows.some((row) => row.errors > 0);
  return {
    title: 'One V1 predict of 10 rows through one process: token cached, limit on',
    rows,
    notes,
    goalMissed: errors || (nginx !== undefined && gateway / nginx > goal),
  };
}
