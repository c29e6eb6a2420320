/**
 * The load: keep-alive connections that send one prepared request again and again, in a process of its own, so that its
 * CPU time is nobody's. Written on bare sockets because an HTTP client would cost more than what is measured.
 *
 * Started with the path of a JSON file (LoadPlan), prints one JSON line (LoadResult).
 */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export interface LoadPlan {
  port: number;
  /** The heads of the requests, with the empty line; they take turns. */
  heads: readonly string[];
  /** In base64; the same behind every head. */
  body: string;
  tls: boolean;
  connections: number;
  requests: number;
  /** The head to begin with; default the first. */
  from?: number;
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

/** As clients do it: what is short leaves in one piece. */
const onePiece = 16 * 1024;
const headEnd = Buffer.from('\r\n\r\n');

export async function load(plan: LoadPlan): Promise<LoadResult> {
  const body = Buffer.from(plan.body, 'base64');
  const heads = plan.heads.map((head) => Buffer.from(head, 'latin1'));
  const latencies = new Float64Array(plan.requests);
  const sent = { next: plan.from ?? 0, left: plan.requests };
  const state: LoadState = { heads, body, ...sent, latencies, done: 0, errors: 0, firstError: '' };
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
  heads: readonly Buffer[];
  body: Buffer;
  next: number;
  left: number;
  latencies: Float64Array;
  done: number;
  errors: number;
  firstError: string;
}

function connection(plan: LoadPlan, state: LoadState): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: plan.port };
    // Nothing but the load is at the other end, on this machine.
    const socket = plan.tls ? connectTls({ ...options, rejectUnauthorized: false }) : connect(options);
    socket.setNoDelay(true);
    let sent = 0;
    let received: Buffer = Buffer.alloc(0);
    socket.on('error', reject);
    socket.on(plan.tls ? 'secureConnect' : 'connect', () => {
      sent = performance.now();
      next(socket, state);
    });
    socket.on('close', resolve);
    socket.on('data', (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      const length = answerLength(received);
      if (length === undefined || received.length < length) return;
      record(plan, state, received, performance.now() - sent);
      received = received.subarray(length);
      sent = performance.now();
      next(socket, state);
    });
  });
}

function next(socket: Socket, state: LoadState): void {
  if (state.left === 0) return void socket.end();
  state.left--;
  const head = state.heads[state.next++ % state.heads.length] ?? Buffer.alloc(0);
  if (state.body.length <= onePiece) return void socket.write(Buffer.concat([head, state.body]));
  socket.cork();
  socket.write(head);
  socket.write(state.body);
  socket.uncork();
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
  process.stdout.write(
    `${JSON.stringify(await load(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as LoadPlan))}\n`,
  );
}
