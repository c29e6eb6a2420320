/**
 * The load: keep-alive connections that send one prepared request again and again, in a process of its own, so that its
 * CPU time is nobody's. Written on bare sockets because an HTTP client would cost more than what is measured.
 *
 * Started with one JSON argument (LoadPlan), prints one JSON line (LoadResult).
 */
import { connect, type Socket } from 'node:net';

export interface LoadPlan {
  port: number;
  /** The whole request, head and body. */
  request: string;
  connections: number;
  requests: number;
  /** Answers must begin so; anything else counts as an error. */
  expect: string;
}

export interface LoadResult {
  requests: number;
  errors: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  seconds: number;
  firstError?: string;
}

const headEnd = Buffer.from('\r\n\r\n');

export async function load(plan: LoadPlan): Promise<LoadResult> {
  const state = { left: plan.requests, latencies: new Float64Array(plan.requests), done: 0, errors: 0, firstError: '' };
  const started = performance.now();
  await Promise.all(Array.from({ length: plan.connections }, () => connection(plan, state)));
  const sorted = state.latencies.subarray(0, state.done).sort();
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return {
    requests: state.done,
    errors: state.errors,
    p50: at(0.5),
    p99: at(0.99),
    seconds: (performance.now() - started) / 1000,
    ...(state.firstError && { firstError: state.firstError }),
  };
}

interface LoadState {
  left: number;
  latencies: Float64Array;
  done: number;
  errors: number;
  firstError: string;
}

function connection(plan: LoadPlan, state: LoadState): Promise<void> {
  const request = Buffer.from(plan.request, 'latin1');
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: plan.port, noDelay: true });
    let sent = 0;
    let received: Buffer = Buffer.alloc(0);
    socket.on('error', reject);
    socket.on('connect', () => (sent = next(socket, request, state) ? performance.now() : 0));
    socket.on('close', resolve);
    socket.on('data', (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      const length = answerLength(received);
      if (length === undefined || received.length < length) return;
      record(plan, state, received, performance.now() - sent);
      received = received.subarray(length);
      sent = performance.now();
      next(socket, request, state);
    });
  });
}

function next(socket: Socket, request: Buffer, state: LoadState): boolean {
  if (state.left === 0) {
    socket.end();
    return false;
  }
  state.left--;
  return socket.write(request) || true;
}

function record(plan: LoadPlan, state: LoadState, answer: Buffer, milliseconds: number): void {
  state.latencies[state.done++] = milliseconds;
  const line = answer.toString('latin1', 0, plan.expect.length);
  if (line === plan.expect) return;
  state.errors++;
  if (!state.firstError) state.firstError = answer.toString('latin1', 0, 300);
}

/** Head and body of the first answer in `bytes`, or undefined while its head is not whole. */
function answerLength(bytes: Buffer): number | undefined {
  const end = bytes.indexOf(headEnd);
  if (end < 0) return undefined;
  const head = bytes.toString('latin1', 0, end).toLowerCase();
  const length = /\r\ncontent-length: *(\d+)/.exec(head);
  if (length) return end + 4 + Number(length[1]);
  const last = bytes.indexOf('\r\n0\r\n\r\n', end);
  return last < 0 ? undefined : last + 7;
}

if (import.meta.main) {
  process.stdout.write(`${JSON.stringify(await load(JSON.parse(process.argv[2] ?? '{}') as LoadPlan))}\n`);
}
