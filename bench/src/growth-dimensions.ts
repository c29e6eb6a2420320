import type { FakeIssuer } from '@modelgate/testing';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { firstLine, script, startOn } from './child.ts';
import { cpuMicroseconds } from './cpu-time.ts';
import { furtherModels, startInspectedGateway, type InspectedGateway } from './gateway-process.ts';
import type { IdlePlan } from './idle-connections.ts';
import { connections, run, type Measured } from './measurement.ts';
import type { Setting } from './proxy.ts';
import { v1Request } from './scenarios.ts';
import type { StreamPlan, StreamResult } from './sse-load.ts';

/** Something of which a gateway may have one or many. */
export interface Dimension {
  title: string;
  /** What is counted. */
  of: string;
  many: number;
  start(count: number, setting: Setting, issuer: FakeIssuer): Promise<Grown>;
}

/** A gateway that has so many, warm. */
export interface Grown {
  /** Microseconds. */
  cpuPerRequest(): Promise<number>;
  /** While it has as many as it may. */
  liveBytes(): Promise<number>;
  stop(): void;
}

const requests = 40_000;

export const dimensions: readonly Dimension[] = [
  {
    title: 'Models in the catalogue, all of them asked in turn',
    of: 'models',
    many: 10_000,
    start: async (count, setting, issuer) => {
      const proxy = await startInspectedGateway(setting, { furtherModels: count - 1 });
      return warm(proxy, headsForModels(furtherModels(count - 1), issuer), requests);
    },
  },
  {
    title: 'Tokens seen before, all of them used in turn',
    of: 'tokens',
    many: 100_000,
    start: async (count, setting, issuer) => {
      const proxy = await startInspectedGateway(setting, { env: { TOKEN_CACHE_SIZE: '200000' } });
      const heads = Array.from({ length: count }, () => v1Request.headFor('fraud/iris', issuer.sign()));
      return warm(proxy, heads, 100_000);
    },
  },
  {
    title: 'Connections of callers that say nothing, beside 32 that do',
    of: 'idle connections',
    many: 1_000,
    start: async (count, setting, issuer) => {
      const proxy = await startInspectedGateway(setting, { env: { IDLE_TIMEOUT: '3600s' } });
      const head = v1Request.headFor('fraud/iris', issuer.sign());
      const grown = await warm(proxy, [head], requests);
      const stop = await openIdle({ port: proxy.port, request: head + v1Request.body.toString(), connections: count });
      const stopAll = (): void => {
        stop();
        grown.stop();
      };
      return { ...grown, stop: stopAll };
    },
  },
  {
    title: 'Streams at a time: one of 500 events a second, or many of 25 each',
    of: 'streams',
    many: 500,
    start: (count, setting, issuer) => startStreams(count, setting, issuer),
  },
];

/** One head for each model; a token covers the models of its namespace. */
function headsForModels(models: readonly string[], issuer: FakeIssuer): string[] {
  const tokens = new Map<string, string>();
  const tokenFor = (model: string): string => {
    const pattern = `${model.split('/')[0]}/*:predict`;
    const token = tokens.get(pattern) ?? issuer.signFor(pattern);
    tokens.set(pattern, token);
    return token;
  };
  return ['fraud/iris', ...models].map((model) => v1Request.headFor(model, tokenFor(model)));
}

async function warm(proxy: InspectedGateway, heads: readonly string[], first: number): Promise<Grown> {
  const measured: Measured = { name: '', proxy, heads, body: v1Request.body, tls: false, requests };
  await run(measured, connections, first);
  return {
    liveBytes: () => proxy.inspector.liveBytes(),
    cpuPerRequest: async () => {
      const before = cpuMicroseconds(proxy.pids);
      const { requests: done, errors, firstError } = await run(measured, connections, requests);
      if (errors > 0) throw new Error(`${errors} requests were refused: ${firstError}`);
      return (cpuMicroseconds(proxy.pids) - before) / done;
    },
    stop: () => proxy.stop(),
  };
}

async function openIdle(plan: IdlePlan): Promise<() => void> {
  const child = await withPlan(plan, async (file) => {
    const callers = startOn('other', script('idle-connections.ts', file));
    await firstLine(callers);
    return callers;
  });
  return () => void child.kill('SIGKILL');
}

/** So many callers who read a stream each, one behind the other. A lone stream is not left with nothing but idling. */
async function startStreams(count: number, setting: Setting, issuer: FakeIssuer): Promise<Grown> {
  const [eventsPerStream, milliseconds] = count === 1 ? [3_000, 2] : [150, 40];
  const backend = startOn('other', script('sse-backend.ts', String(eventsPerStream), String(milliseconds)));
  const upstreamPort = Number(await firstLine(backend));
  const env = { UPSTREAM_CONNECTIONS: '1000', MAX_CONCURRENT_PER_SUBJECT: '1000' };
  const proxy = await startInspectedGateway({ ...setting, upstreamPort }, { env });
  const body = JSON.stringify({ model: 'iris', messages: [{ role: 'user', content: 'go on' }], stream: true });
  const token = issuer.signFor('fraud/iris:generate');
  const request = v1Request.headFor('fraud/iris', token, { path: '/openai/v1/chat/completions', length: body.length });
  const plan = { port: proxy.port, request: request + body, connections: count, bytes: eventsPerStream * 160 };
  await stream({ ...plan, streams: 1 });
  return {
    liveBytes: async () => {
      const streaming = stream({ ...plan, streams: 1 });
      await sleep(2_000);
      const bytes = await proxy.inspector.liveBytes();
      await streaming;
      return bytes;
    },
    cpuPerRequest: async () => {
      const before = cpuMicroseconds(proxy.pids);
      const { streams, errors } = await stream({ ...plan, streams: 2 });
      if (errors > 0) throw new Error(`${errors} streams broke off`);
      return (cpuMicroseconds(proxy.pids) - before) / (streams * eventsPerStream);
    },
    stop: () => {
      proxy.stop();
      backend.kill('SIGKILL');
    },
  };
}

function stream(plan: StreamPlan): Promise<StreamResult> {
  return withPlan(plan, async (file) => {
    return JSON.parse(await firstLine(startOn('other', script('sse-load.ts', file)))) as StreamResult;
  });
}

async function withPlan<T>(plan: object, work: (file: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'modelgate-plan-'));
  const file = join(folder, 'plan.json');
  writeFileSync(file, JSON.stringify(plan));
  try {
    return await work(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
