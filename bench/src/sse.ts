import type { FakeIssuer } from '@modelgate/testing';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstLine, script, startOn } from './child.ts';
import { cpuMicroseconds } from './cpu-time.ts';
import { startGateway } from './gateway-process.ts';
import type { Peers } from './peers.ts';
import type { Proxy, Setting } from './proxy.ts';
import { best, type Row, type Section } from './report.ts';
import type { StreamPlan, StreamResult } from './sse-load.ts';

export const chatTitle = 'OpenAI chat, 200 events one by one; CPU per event, latency of the first';

const eventsPerStream = 200;
const bytesPerStream = eventsPerStream * 160;
const rounds = 3;
const connections = 32;
const streams = 10;
const streamsAlone = 25;
/** Times nginx per event, and milliseconds to the first one beyond those of the model server. */
const goals = { nginx: 2, firstEvent: 1 };

const messages = [{ role: 'user', content: 'Which of these flowers is which? '.repeat(60) }];
const body = JSON.stringify({ model: 'iris', messages, max_tokens: eventsPerStream, stream: true });

interface Streamer {
  row: Row;
  proxy: Proxy;
  request: string;
}

/** A chat whose answer comes event by event, through the gateway and through nginx, which reads none of it. */
export async function measureChat(
  setting: Omit<Setting, 'upstreamPort'>,
  peers: Peers,
  issuer: FakeIssuer,
): Promise<{ section: Section; missed: boolean }> {
  const backend = startOn('other', script('sse-backend.ts'));
  const streamers: Streamer[] = [];
  try {
    const upstreamPort = Number(await firstLine(backend));
    const token = issuer.signFor('fraud/iris:generate');
    const add = (name: string, proxy: Proxy, prefix = ''): void => {
      const row = { name, cpu: [], p50: [], p99: [], errors: 0 };
      streamers.push({ row, proxy, request: requestTo(`${prefix}/openai/v1/chat/completions`, token) });
    };
    add('gateway', await startGateway({ ...setting, upstreamPort }), '/serving/fraud/iris');
    for (const { name, start } of peers.nginx) add(name, await start({ ...setting, upstreamPort }));
    add('direct', { port: upstreamPort, pids: [], stop: () => undefined });
    for (const streamer of streamers) await run(streamer, connections, 2);
    for (let round = 0; round < rounds; round++) for (const streamer of streamers) await measure(streamer);
    return conclude(streamers.map(({ row }) => row));
  } finally {
    for (const { proxy } of streamers) proxy.stop();
    backend.kill('SIGKILL');
  }
}

function requestTo(path: string, token: string): string {
  const fields = { host: '127.0.0.1', authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const lines = Object.entries({ ...fields, 'content-length': body.length }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  return [`POST ${path} HTTP/1.1`, ...lines, '', body].join('\r\n');
}

async function measure(streamer: Streamer): Promise<void> {
  const { row, proxy } = streamer;
  const before = cpuMicroseconds(proxy.pids);
  const loaded = await run(streamer, connections, streams);
  row.cpu.push((cpuMicroseconds(proxy.pids) - before) / (loaded.streams * eventsPerStream));
  const alone = await run(streamer, 1, streamsAlone);
  row.p50.push(alone.firstEvent.p50);
  row.p99.push(alone.firstEvent.p99);
  row.errors += loaded.errors + alone.errors;
}

async function run({ proxy, request }: Streamer, width: number, each: number): Promise<StreamResult> {
  const folder = mkdtempSync(join(tmpdir(), 'modelgate-streams-'));
  const file = join(folder, 'plan.json');
  const plan: StreamPlan = { port: proxy.port, request, connections: width, streams: each, bytes: bytesPerStream };
  writeFileSync(file, JSON.stringify(plan));
  try {
    return JSON.parse(await firstLine(startOn('other', script('sse-load.ts', file)))) as StreamResult;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function conclude(rows: readonly Row[]): { section: Section; missed: boolean } {
  const [gateway, ...others] = rows;
  const direct = others.at(-1);
  if (!gateway || !direct) throw new Error('nothing was measured');
  const added = best(gateway.p50) - best(direct.p50);
  const slow = added > goals.firstEvent;
  const notes = [
    `first event: ${added.toFixed(2)} ms later than from the model server  (goal: at most ${goals.firstEvent}${slow ? ', MISSED' : ''})`,
  ];
  let missed = slow || rows.some(({ errors }) => errors > 0);
  for (const peer of others.slice(0, -1)) {
    const ratio = best(gateway.cpu) / best(peer.cpu);
    const over = ratio > goals.nginx;
    notes.push(`gateway / ${peer.name} = ${ratio.toFixed(2)}  (goal: at most ${goals.nginx}${over ? ', MISSED' : ''})`);
    missed ||= over;
  }
  return { section: { title: chatTitle, rows, notes }, missed };
}
