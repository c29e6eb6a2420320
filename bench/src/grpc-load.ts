/**
 * The load of the gRPC benchmark: the same unary call again and again, some at a time over each of some connections, in a
 * process of its own. A call counts only with the status OK and an answer as long as the model server's.
 *
 * Started with the path of a JSON file (GrpcLoadPlan), prints one JSON line (LoadResult).
 */
import { connect, type ClientHttp2Session } from 'node:http2';
import { readFileSync } from 'node:fs';
import type { LoadResult } from './load.ts';

export interface GrpcLoadPlan {
  port: number;
  token: string;
  /** The message with its prefix, in base64. */
  body: string;
  connections: number;
  /** Calls of each connection at a time. */
  streams: number;
  requests: number;
  /** Bytes of every answer. */
  answerBytes: number;
}

interface Work {
  plan: GrpcLoadPlan;
  body: Buffer;
  left: number;
  latencies: number[];
  errors: number;
  firstError: string;
}

async function load(plan: GrpcLoadPlan): Promise<LoadResult> {
  const body = Buffer.from(plan.body, 'base64');
  const work: Work = { plan, body, left: plan.requests, latencies: [], errors: 0, firstError: '' };
  const started = performance.now();
  const sessions = Array.from({ length: plan.connections }, () => connect(`http://127.0.0.1:${plan.port}`));
  await Promise.all(sessions.flatMap((session) => Array.from({ length: plan.streams }, () => calls(session, work))));
  for (const session of sessions) session.close();
  const sorted = work.latencies.toSorted((one, other) => one - other);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return {
    requests: sorted.length,
    errors: work.errors,
    p50: at(0.5),
    p99: at(0.99),
    seconds: (performance.now() - started) / 1000,
    ...(work.firstError && { firstError: work.firstError }),
  };
}

async function calls(session: ClientHttp2Session, work: Work): Promise<void> {
  while (work.left > 0) {
    work.left--;
    const began = performance.now();
    const problem = await call(session, work);
    work.latencies.push(performance.now() - began);
    if (problem === undefined) continue;
    work.errors++;
    work.firstError ||= problem;
  }
}

/** @returns what is wrong with the answer */
function call(session: ClientHttp2Session, { plan, body }: Work): Promise<string | undefined> {
  const stream = session.request({
    ':method': 'POST',
    ':path': '/inference.GRPCInferenceService/ModelInfer',
    'content-type': 'application/grpc',
    te: 'trailers',
    authorization: `Bearer ${plan.token}`,
  });
  stream.end(body);
  let status: unknown = 'none';
  let received = 0;
  stream.on('response', (headers) => (status = headers['grpc-status'] ?? status));
  stream.on('trailers', (trailers) => (status = trailers['grpc-status']));
  stream.on('data', (piece: Buffer) => (received += piece.length));
  return new Promise((resolve) => {
    stream.on('error', (error) => resolve(error.message));
    stream.on('close', () => {
      const whole = status === '0' && received === plan.answerBytes;
      resolve(whole ? undefined : `grpc-status ${String(status)} and ${received} bytes`);
    });
  });
}

process.stdout.write(
  `${JSON.stringify(await load(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as GrpcLoadPlan))}\n`,
);
