import { status } from '@grpc/grpc-js';
import { kserve, mlserver, requireOrSkip, type MlServer, type ModelServer } from '@modelgate/real-parts';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TestBed } from './gateway.fixture.ts';
import { GrpcCaller, irisHost, methodOf } from './grpc.fixture.ts';

const missing = await requireOrSkip(kserve, mlserver);
const execute = promisify(execFile);
const run = (python: string, args: string[]) => execute(python, args, { timeout: 45_000 });
const script = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

let real: ModelServer;
let ml: MlServer;
let bed: TestBed;
let caller: GrpcCaller;

beforeAll(async () => {
  if (missing) return;
  [real, ml] = await Promise.all([kserve.start(), mlserver.start()]);
  const ofKserve = { upstream: real.url, grpcUpstream: real.grpcUrl, protocols: ['v2', 'grpc'], runtime: 'kserve' };
  const ofMlserver = { upstream: ml.url, grpcUpstream: ml.grpcUrl, protocols: ['grpc'], runtime: 'mlserver' };
  const models = ['iris', 'digits'].flatMap((name) => [
    { ...ofKserve, model: `fraud/${name}` },
    { ...ofMlserver, model: `ml/${name}` },
  ]);
  bed = await TestBed.start({}, { models });
  caller = new GrpcCaller(bed.gateway.url);
}, 900_000);
beforeEach(({ skip }) => skip(missing !== undefined, missing));
afterAll(async () => {
  caller?.close();
  await bed?.stop();
  await Promise.all([real?.stop(), ml?.stop()]);
});

const rows = [5.1, 3.5, 1.4, 0.2, 6.5, 3, 5.2, 2];
const infer = (name: string): object => ({
  model_name: name,
  inputs: [{ name: 'input-0', datatype: 'FP64', shape: [2, 4], contents: { fp64_contents: rows } }],
});
const classes = { outputs: [{ contents: { int64_contents: [0, 2] } }] };

describe('KServe’s own server', () => {
  const token = (...verbs: string[]): string => bed.issuer.signFor(verbs.map((verb) => `fraud/iris:${verb}`).join(' '));

  it('answers the calls its callers may make, and no other reaches it', async () => {
    const metadata = { token: token('metadata'), host: irisHost };
    expect(await caller.unary('ServerLive', {}, metadata)).toMatchObject({ messages: [{ live: true }] });
    expect(await caller.unary('ServerReady', {}, metadata)).toMatchObject({ messages: [{ ready: true }] });
    expect(await caller.unary('ServerMetadata', {}, metadata)).toMatchObject({ messages: [{ name: 'kserve' }] });
    expect(await caller.unary('ModelReady', { name: 'iris' }, metadata)).toMatchObject({ messages: [{ ready: true }] });
    expect(await caller.unary('ModelMetadata', { name: 'iris' }, metadata)).toMatchObject({
      messages: [{ name: 'iris' }],
    });
    expect((await caller.unary('ModelReady', { name: 'digits' }, metadata)).code).toBe(status.NOT_FOUND);
    expect((await caller.unary('ModelInfer', infer('iris'), metadata)).code).toBe(status.PERMISSION_DENIED);
  });

  it('infers under either name of the model', async () => {
    const predict = { token: token('predict') };
    expect(await caller.unary('ModelInfer', infer('fraud/iris'), predict)).toMatchObject({ messages: [classes] });
    expect(await caller.unary('ModelInfer', infer('iris'), { ...predict, host: irisHost })).toMatchObject({
      messages: [classes],
    });
    const compressed = { ...predict, options: { 'grpc.default_compression_algorithm': 2 } };
    expect(await caller.unary('ModelInfer', infer('fraud/iris'), compressed)).toMatchObject({ messages: [classes] });
    expect((await caller.unary('ModelInfer', infer('fraud/digits'), predict)).code).toBe(status.PERMISSION_DENIED);
  });

  it('says itself where its limit is', async () => {
    const { requestSerialize } = methodOf('ModelInfer');
    const request = (bytes: number) => ({ model_name: 'iris', raw_input_contents: [Buffer.alloc(bytes)] });
    const overhead = requestSerialize(request(8_000_000)).length - 8_000_000;
    const predict = { token: token('predict'), host: irisHost };
    const largest = await caller.unary('ModelInfer', request(8_388_608 - overhead), predict);
    expect(largest.code).not.toBe(status.RESOURCE_EXHAUSTED);
    const longer = await caller.unary('ModelInfer', request(8_388_609 - overhead), predict);
    expect(longer).toMatchObject({ code: status.RESOURCE_EXHAUSTED, details: expect.stringContaining('8388609') });
  });

  it('has no streams, and says so itself', async () => {
    const stream = caller.stream({ token: token('predict') });
    stream.send('fraud/iris');
    expect((await stream.done).code).toBe(status.UNIMPLEMENTED);
  });

  it('unloads and loads for who may, by the layout that is its own', async () => {
    const repository = { token: token('repository', 'metadata'), host: irisHost };
    const ready = async () => (await caller.unary('ModelReady', { name: 'iris' }, repository)).code;
    expect((await caller.unary('RepositoryModelUnload', { first: 'digits' }, repository)).code).toBe(status.NOT_FOUND);
    // It answers INTERNAL, and does it.
    await caller.unary('RepositoryModelUnload', { first: 'iris' }, repository);
    expect(await ready()).toBe(status.NOT_FOUND);
    await caller.unary('RepositoryModelLoad', { first: 'iris' }, repository);
    expect(await ready()).toBe(status.OK);
  });

  it('serves its own client', async () => {
    const origin = new URL(bed.gateway.url).host;
    const { stdout } = await run(await kserve.python(), [
      script('kserve_client.py'),
      origin,
      token('predict', 'metadata'),
    ]);
    expect(JSON.parse(stdout)).toEqual({
      infer: [0, 2],
      'infer at its host': [0, 2],
      'another model': 'PERMISSION_DENIED',
      'no token': 'UNAUTHENTICATED',
      'two tokens': 'INVALID_ARGUMENT',
      "in another's name": [0, 2],
      live: true,
      ready: true,
    });
  });
});

describe('MLServer', () => {
  const answer = { model_name: 'iris', outputs: [{ contents: { int64_contents: [0, 2] } }] };
  const token = (): string => bed.issuer.signFor('ml/iris:predict ml/iris:metadata');

  it('streams, and what it would not judge is judged', async () => {
    // It answers a stream by its first message, and lets all others pass.
    const stream = caller.stream({ token: token() });
    stream.send('ml/iris', rows);
    stream.send('ml/digits', rows);
    expect((await stream.done).code).toBe(status.PERMISSION_DENIED);
  });

  it('ends a stream that its caller ends', async () => {
    const stream = caller.stream({ token: token() });
    stream.send('ml/iris', rows);
    stream.end();
    expect(await stream.done).toMatchObject({ code: status.OK, messages: [answer] });
  });

  it('lists to its callers what they may call', async () => {
    const options = { token: token(), host: 'iris.ml.models.example.com' };
    const { messages } = await caller.unary('RepositoryIndex', {}, options);
    expect(messages).toMatchObject([{ models: [{ name: 'iris' }] }]);
  });

  it('serves Triton’s client', async () => {
    const origin = new URL(bed.gateway.url).host;
    const { stdout } = await run(await mlserver.python(), [script('triton_client.py'), origin, token()]);
    expect(JSON.parse(stdout)).toEqual({
      live: true,
      ready: true,
      metadata: 'iris',
      infer: [0, 2],
      'infer at its host': [0, 2],
      'another model': 'StatusCode.PERMISSION_DENIED',
      'an unknown model': 'StatusCode.NOT_FOUND',
      'no token': 'StatusCode.UNAUTHENTICATED',
      configuration: 'StatusCode.UNIMPLEMENTED',
      'shared memory': 'StatusCode.UNIMPLEMENTED',
      index: ['iris'],
    });
  });
});
