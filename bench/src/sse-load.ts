/**
 * Callers of the chat benchmark, in a process of their own: keep-alive connections that ask for one stream after the other.
 *
 * Started with the path of a JSON file (StreamPlan), prints one JSON line (StreamResult).
 */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';

export interface StreamPlan {
  port: number;
  /** One whole request. */
  request: string;
  connections: number;
  /** Of each connection. */
  streams: number;
  /** What a whole stream has at least: a proxy may cut it into other chunks, and its events with them. */
  bytes: number;
}

export interface StreamResult {
  streams: number;
  /** Streams that did not begin or end as they should. */
  errors: number;
  /** Milliseconds until the first event was there. */
  firstEvent: { p50: number; p99: number };
}

interface Counts {
  streams: number;
  errors: number;
  firstEvents: number[];
}

export async function loadStreams(plan: StreamPlan): Promise<StreamResult> {
  const counts: Counts = { streams: 0, errors: 0, firstEvents: [] };
  await Promise.all(Array.from({ length: plan.connections }, () => connection(plan, counts)));
  const sorted = counts.firstEvents.sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { streams: counts.streams, errors: counts.errors, firstEvent: { p50: at(0.5), p99: at(0.99) } };
}

function connection({ port, request, streams, bytes: least }: StreamPlan, counts: Counts): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    let left = streams;
    let sent = 0;
    let text = '';
    const next = (): void => {
      if (left-- === 0) return void socket.end();
      text = '';
      sent = performance.now();
      socket.write(request);
    };
    socket.on('connect', next);
    socket.on('error', reject);
    socket.on('close', resolve);
    socket.on('data', (bytes: Buffer) => {
      const isFirst = !text.includes('data: ');
      text += bytes.toString('latin1');
      if (isFirst && text.includes('data: ')) counts.firstEvents.push(performance.now() - sent);
      if (!text.endsWith('\r\n0\r\n\r\n')) return;
      counts.streams++;
      if (!text.startsWith('HTTP/1.1 200 ') || text.length < least) counts.errors++;
      next();
    });
  });
}

if (import.meta.main) {
  const plan = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as StreamPlan;
  process.stdout.write(`${JSON.stringify(await loadStreams(plan))}\n`);
}
