import { grpcMessage } from '@modelgate/testing';
import { connect, type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { TestBed } from '../gateway.fixture.ts';

const llm = { model: 'fraud/llm', protocols: ['openai', 'anthropic'], runtime: 'vllm' };
const calls = { model: 'fraud/calls', protocols: ['grpc'] };
const json = { 'content-type': 'application/json' };
const form = { 'content-type': 'multipart/form-data; boundary=x' };
const call = { 'content-type': 'application/grpc', te: 'trailers' };
const infer = '/inference.GRPCInferenceService/ModelInfer';
const chat = '/serving/fraud/llm/openai/v1/chat/completions';

interface Malformed {
  what: string;
  path: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  /** `:status`, and for calls `grpc-status`. */
  answer: [number, string?];
}

const malformed: Malformed[] = [
  { what: 'JSON that is none', path: chat, headers: json, body: '{"model":', answer: [400] },
  { what: 'a model named twice', path: chat, headers: json, body: '{"model":"llm","model":"llm"}', answer: [400] },
  { what: 'UTF-16', path: chat, headers: json, body: Buffer.from('\ufeff{"model":"llm"}', 'utf16le'), answer: [400] },
  { what: 'a body in gzip', path: chat, headers: { ...json, 'content-encoding': 'gzip' }, body: 'x', answer: [415] },
  {
    what: 'a form that ends early',
    path: chat.replace('chat/completions', 'audio/transcriptions'),
    headers: form,
    body: '--x\r\n',
    answer: [400],
  },
  {
    what: 'Anthropic’s without a model',
    path: chat.replace('chat/completions', 'messages'),
    headers: json,
    body: '{}',
    answer: [400],
  },
  {
    what: 'a message with a flag that does not exist',
    path: infer,
    headers: call,
    body: grpcMessage(Buffer.alloc(3), 7),
    answer: [200, '3'],
  },
  {
    what: 'a message that is no Protocol Buffer',
    path: infer,
    headers: call,
    body: grpcMessage(Buffer.from([0xff])),
    answer: [200, '3'],
  },
  { what: 'half a message', path: infer, headers: call, body: Buffer.from([0, 0, 0, 1]), answer: [200, '3'] },
  {
    what: 'a length of four gigabytes',
    path: infer,
    headers: call,
    body: Buffer.from([0, 255, 255, 255, 255]),
    answer: [200, '8'],
  },
  { what: 'a path that has two readings', path: `${chat}/..`, headers: json, body: '{}', answer: [400] },
];

let bed: TestBed;
let session: ClientHttp2Session;
let token: string;
beforeAll(async () => {
  bed = await TestBed.start({}, { more: [llm, calls] });
  const scope = ['fraud/llm:generate', 'fraud/llm:transcribe', 'fraud/calls:predict', 'fraud/iris:predict'];
  token = bed.issuer.signFor(scope.join(' '));
  session = connect(bed.gateway.url);
});
afterAll(async () => {
  session.destroy();
  await bed.stop();
});

function open({ path, headers = {}, body }: Omit<Malformed, 'what' | 'answer'>): ClientHttp2Stream {
  const authority = path === infer ? { ':authority': 'calls.fraud.models.example.com' } : {};
  const fields = { ':method': 'POST', ':path': path, ...authority, authorization: `Bearer ${token}`, ...headers };
  const stream = session.request(fields);
  stream.end(body);
  return stream;
}

async function answerOf(stream: ClientHttp2Stream): Promise<[number, string?]> {
  const found = await new Promise<IncomingHttpHeaders>((resolve, reject) => {
    stream.on('response', resolve);
    stream.on('error', reject);
  });
  stream.resume();
  const grpc = found['grpc-status'];
  const status = Number(found[':status']);
  return typeof grpc === 'string' ? [status, grpc] : [status];
}

it('takes no other stream of the connection with it, whatever one of them carries', async () => {
  bed.model.behaviour = 'trickle';
  const good = open({ path: '/serving/fraud/iris/v1/models/iris:predict', headers: json, body: '{}' });
  let pieces = 0;
  good.on('data', () => pieces++);
  let ended = false;
  good.on('close', () => (ended = true));
  expect(await answerOf(good)).toEqual([200]);
  const before = bed.model.seen.length;
  for (const { what, answer, ...request } of malformed) {
    const had = pieces;
    expect([what, ...(await answerOf(open(request)))]).toEqual([what, ...answer]);
    await vi.waitUntil(() => pieces > had || ended, { interval: 5, timeout: 20_000 });
    expect([what, ended, session.closed]).toEqual([what, false, false]);
  }
  expect(bed.model.seen.length).toBe(before);
  good.close();
});

it('ends with the answer that its model server broke off, and nothing else does', async () => {
  bed.model.behaviour = 'trickle';
  const good = open({ path: '/serving/fraud/iris/v1/models/iris:predict', headers: json, body: '{}' });
  let ended = false;
  good.on('close', () => (ended = true));
  expect(await answerOf(good)).toEqual([200]);
  for (const behaviour of ['garbage', 'reset-before-answer'] as const) {
    bed.model.behaviour = behaviour;
    expect([behaviour, ...(await answerOf(open({ path: chat, headers: json, body: '{"model":"llm"}' })))]).toEqual([
      behaviour,
      502,
    ]);
  }
  bed.model.behaviour = 'reset-in-the-middle';
  const broken = open({ path: chat, headers: json, body: '{"model":"llm"}' });
  const code = new Promise((resolve) => broken.on('close', () => resolve(broken.rstCode)));
  broken.on('error', () => undefined);
  broken.resume();
  expect(await code).not.toBe(0);
  expect([ended, session.closed]).toEqual([false, false]);
  good.close();
});
