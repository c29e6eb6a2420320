import { status } from '@grpc/grpc-js';
import { grpcMessage, type GrpcBehaviour } from '@modelgate/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GrpcBed, inferRequest, irisHost, methodOf } from './grpc.fixture.ts';

let bed: GrpcBed;
let before = 0;
beforeAll(async () => {
  bed = await GrpcBed.startBed({ CLOCK_SKEW: '0s', UPSTREAM_TIMEOUT: '2s', MAX_CONCURRENT_PER_SUBJECT: '20' });
});
afterAll(() => bed.stop());
beforeEach(() => {
  bed.server.behaviour = 'echo';
  bed.server.answer = undefined;
  before = bed.seen.length;
});

const sign = (scope = 'fraud/iris:predict'): string => bed.bed.issuer.signFor(scope);
const reached = () => bed.seen.slice(before);
const infer = { model_name: 'fraud/iris', id: '42', raw_input_contents: [Buffer.from('tensor')] };

/** As KServe's own client is set up unless it is told otherwise. */
const retryingLikeKserve = {
  'grpc.enable_retries': 1,
  'grpc.service_config': JSON.stringify({
    methodConfig: [
      {
        name: [{}],
        retryPolicy: {
          maxAttempts: 3,
          initialBackoff: '0.1s',
          maxBackoff: '1s',
          backoffMultiplier: 2,
          retryableStatusCodes: ['UNAVAILABLE'],
        },
      },
    ],
  }),
};

const small = { model_name: 'small/model' };

/** A call that takes the one place there is at this model; what is returned gives it back. */
async function occupySmall(token: string): Promise<() => Promise<void>> {
  const [caller, headers] = [new AbortController(), { ':authority': 'models.example.com' }];
  bed.server.behaviour = 'trickle';
  const call = bed.raw({ token, headers, bytes: message('small/model'), signal: caller.signal });
  await until(() => reached().length === 1);
  bed.server.behaviour = 'echo';
  return async () => {
    caller.abort();
    await call;
    await until(() => reached()[0]?.reset === 8);
  };
}

async function until(condition: () => boolean): Promise<void> {
  const began = performance.now();
  while (!condition()) {
    if (performance.now() - began > 30_000) expect.unreachable('not within thirty seconds');
    await sleep(5);
  }
}

describe('a unary call', () => {
  it('reaches the model under the name its server has for it, without the credential', async () => {
    const metadata = {
      cookie: 'a=b',
      'x-forwarded-for': '1.2.3.4',
      traceparent: '00-1',
      'secret-bin': Buffer.from('x'),
    };
    const outcome = await bed.unary('ModelInfer', infer, { token: sign(), metadata });
    expect(outcome).toMatchObject({ code: status.OK, messages: [{ id: '42' }] });
    const [call] = reached();
    expect(call).toMatchObject({ path: '/inference.GRPCInferenceService/ModelInfer', ended: true, flags: [0] });
    expect(call?.messages[0]?.equals(inferRequest('iris'))).toBe(true);
    const seen = call?.rawHeaders.join(' ') ?? '';
    expect(seen).not.toMatch(/Bearer|cookie|x-forwarded|secret|user-agent/);
    expect(seen).toMatch(/traceparent 00-1/);
    expect(seen).toMatch(/x-request-id \S/);
  });

  it('reaches it at the model’s own host with not a byte changed', async () => {
    const sent = inferRequest('iris');
    await bed.unary('ModelInfer', { ...infer, model_name: 'iris' }, { token: sign(), host: irisHost });
    expect(reached()[0]?.messages[0]?.equals(sent)).toBe(true);
  });

  it('is told its limit, and the id under which the log has it', async () => {
    const { headers, trailers } = await bed.raw({ token: sign(), bytes: message() });
    expect(headers).toMatchObject({ 'content-type': 'application/grpc', 'x-request-id': expect.any(String) });
    expect(Object.keys(headers)).toEqual(expect.arrayContaining(['ratelimit', 'ratelimit-policy']));
    expect(headers).not.toHaveProperty('x-backend');
    expect(headers).not.toHaveProperty('set-cookie');
    expect(trailers).toMatchObject({ 'grpc-status': '0' });
    expect(trailers).not.toHaveProperty('x-backend');
  });

  it.each<[string, () => string | undefined, string, object, number]>([
    ['without a token', () => undefined, 'ModelInfer', infer, status.UNAUTHENTICATED],
    [
      'with a token of another issuer',
      () => bed.bed.issuer.sign({ claims: { iss: 'https://x' } }),
      'ModelInfer',
      infer,
      status.UNAUTHENTICATED,
    ],
    [
      'with an expired token',
      () => bed.bed.issuer.sign({ claims: { iat: 1, exp: 60 } }),
      'ModelInfer',
      infer,
      status.UNAUTHENTICATED,
    ],
    ['for another model', sign, 'ModelInfer', { ...infer, model_name: 'fraud/other' }, status.PERMISSION_DENIED],
    ['for a model that does not exist', sign, 'ModelInfer', { ...infer, model_name: 'fraud/nope' }, status.NOT_FOUND],
    ['for a model whose name is not ASCII', sign, 'ModelInfer', { ...infer, model_name: 'frœd/😀' }, status.NOT_FOUND],
    ['for no model', sign, 'ModelInfer', { ...infer, model_name: '' }, status.INVALID_ARGUMENT],
    [
      'for a model that does not speak gRPC',
      () => sign('rest/only:predict'),
      'ModelInfer',
      { ...infer, model_name: 'rest/only' },
      status.UNIMPLEMENTED,
    ],
    ['for another verb', sign, 'ModelReady', { name: 'fraud/iris' }, status.PERMISSION_DENIED],
    ['for the server at the gateway’s host', sign, 'ServerLive', {}, status.UNIMPLEMENTED],
    ['for an administrative method', sign, 'TraceSetting', {}, status.UNIMPLEMENTED],
    ['for an index that no server here has', sign, 'RepositoryIndex', {}, status.UNIMPLEMENTED],
  ])('%s is refused in its trailers, and reaches no model server', async (_, token, method, message, code) => {
    expect(await bed.unary(method, message, { token: token() })).toMatchObject({ code, messages: [] });
    expect(reached()).toEqual([]);
  });

  it('is answered as by the server where the server refuses', async () => {
    bed.server.behaviour = 'trailers-only';
    expect(await bed.unary('ModelInfer', infer, { token: sign() })).toMatchObject({
      code: 5,
      details: 'no such model',
    });
    bed.server.behaviour = 'late-status';
    expect(await bed.unary('ModelInfer', infer, { token: sign() })).toMatchObject({ code: 13, details: 'too late' });
  });

  it.each<[GrpcBehaviour, number]>([
    ['reset-before-answer', status.UNAVAILABLE],
    ['reset-in-the-middle', status.UNAVAILABLE],
    ['no-trailers', status.UNAVAILABLE],
    ['no-status', status.UNAVAILABLE],
    ['http-503', status.UNAVAILABLE],
    ['html', status.UNAVAILABLE],
    ['silent', status.DEADLINE_EXCEEDED],
    ['close-in-the-middle', status.UNAVAILABLE],
  ])('never ends as if it were whole where the server does %s', async (behaviour, code) => {
    bed.server.behaviour = behaviour;
    expect((await bed.unary('ModelInfer', infer, { token: sign() })).code).toBe(code);
    bed.server.behaviour = 'echo';
    expect((await bed.unary('ModelInfer', infer, { token: sign() })).code).toBe(status.OK);
  });

  it.each<[GrpcBehaviour, number]>([
    ['reset-before-answer', 1],
    ['no-trailers', 1],
    ['html', 1],
  ])(
    'that the server may have done is not made again where it does %s, although its client would',
    async (behaviour, calls) => {
      bed.server.behaviour = behaviour;
      const outcome = await bed.unary('ModelInfer', infer, { token: sign(), options: retryingLikeKserve });
      expect([outcome.code, reached().length]).toEqual([status.UNAVAILABLE, calls]);
    },
  );

  it('is made again by itself where there is no room for it at the moment', async () => {
    const token = sign('small/model:predict');
    const release = await occupySmall(token);
    const refusals = () => bed.bed.log.split('"reason":"model_busy"').length;
    const before = refusals();
    const second = bed.unary('ModelInfer', small, { token, options: retryingLikeKserve });
    await until(() => refusals() > before);
    await release();
    expect((await second).code).toBe(status.OK);
  });

  it('is refused where the server cannot be reached', async () => {
    const outcome = await bed.unary(
      'ModelInfer',
      { ...infer, model_name: 'far/away' },
      { token: sign('far/away:predict') },
    );
    expect(outcome.code).toBe(status.UNAVAILABLE);
  });

  it('has until its deadline, which the server is told', async () => {
    // Long enough to get there, and over long before the gateway itself would give up.
    const patient = await GrpcBed.startBed({ UPSTREAM_TIMEOUT: '1m' });
    patient.server.behaviour = 'silent';
    const { trailers, headers } = await patient.raw({
      token: patient.bed.issuer.sign(),
      bytes: message(),
      headers: { 'grpc-timeout': '2500m' },
    });
    expect({ ...headers, ...trailers }).toMatchObject({ 'grpc-status': '4' });
    expect(patient.seen[0]?.rawHeaders.join(' ')).toContain('grpc-timeout 2500m');
    await until(() => patient.seen[0]?.reset === 8);
    await patient.stop();
  });

  it('is ended at the server when its caller goes away', async () => {
    bed.server.behaviour = 'trickle';
    const outcome = bed.unary('ModelInfer', infer, { token: sign(), deadlineMs: 2_500 });
    await until(() => reached().length === 1);
    expect((await outcome).code).toBe(status.DEADLINE_EXCEEDED);
    await until(() => reached()[0]?.reset === 8);
  });

  it.each([
    ['gzip', 2],
    ['deflate', 1],
  ])('may be compressed by %s, and goes on as it was read', async (_, algorithm) => {
    const options = { 'grpc.default_compression_algorithm': algorithm };
    const large = { ...infer, raw_input_contents: [Buffer.alloc(500_000)] };
    const outcome = await bed.unary('ModelInfer', large, { token: sign(), options });
    expect(outcome.code).toBe(status.OK);
    expect(reached()[0]).toMatchObject({ flags: [0] });
    expect(reached()[0]?.rawHeaders.join(' ')).not.toContain('grpc-encoding');
    expect(reached()[0]?.messages[0]?.equals(inferRequest('iris', Buffer.alloc(500_000)))).toBe(true);
  });

  it('counts as one under way for its model and its subject', async () => {
    const token = sign('small/model:predict');
    const release = await occupySmall(token);
    expect((await bed.unary('ModelInfer', small, { token })).code).toBe(status.UNAVAILABLE);
    await release();
    expect((await bed.unary('ModelInfer', small, { token })).code).toBe(status.OK);
    const large = { ...small, raw_input_contents: [Buffer.alloc(101)] };
    expect((await bed.unary('ModelInfer', large, { token })).code).toBe(status.RESOURCE_EXHAUSTED);
  });

  it('is counted by the limit of its policy', async () => {
    await bed.bed.setLimit('rare', { quota: 2, windowSeconds: 3_600 });
    const token = bed.bed.issuer.sign({ claims: { policy: 'rare', sub: 'keycloak|rare' } });
    const codes = [];
    for (let turn = 0; turn < 3; turn++) codes.push((await bed.unary('ModelInfer', infer, { token })).code);
    expect(codes).toEqual([status.OK, status.OK, status.RESOURCE_EXHAUSTED]);
    expect(reached()).toHaveLength(2);
  });

  it('gets of a server’s index what its token may call', async () => {
    const index = { models: ['digits-7', 'secret', 'iris'].map((name) => ({ name, state: 'READY' })) };
    const { requestSerialize } = methodOf('RepositoryIndex');
    expect(requestSerialize({})).toHaveLength(0);
    bed.server.answer = () => indexResponse(index.models.map(({ name }) => name));
    const host = 'digits.vision.models.example.com';
    const token = sign('vision/digits:metadata');
    const outcome = await bed.unary('RepositoryIndex', {}, { token, host });
    expect(outcome.messages).toMatchObject([{ models: [{ name: 'digits-7' }] }]);
    bed.server.answer = () => Buffer.from([0x0a, 0x7f]);
    expect((await bed.unary('RepositoryIndex', {}, { token, host })).code).toBe(status.UNAVAILABLE);
  });

  it('loads and unloads by the layout of its server, and nothing but the name', async () => {
    const host = 'digits.vision.models.example.com';
    const token = sign('vision/digits:repository');
    expect((await bed.unary('RepositoryModelLoad', { second: 'digits-7' }, { token, host })).code).toBe(status.OK);
    expect((await bed.unary('RepositoryModelUnload', { first: 'digits-7' }, { token, host })).code).toBe(3);
    expect((await bed.unary('RepositoryModelLoad', { first: 'x', second: 'digits-7' }, { token, host })).code).toBe(3);
    expect((await bed.unary('RepositoryModelLoad', { second: 'iris' }, { token, host })).code).toBe(status.NOT_FOUND);
    expect(reached()).toHaveLength(1);
  });

  it('carries 64 MB less what belongs to them, and no byte more than the limit', async () => {
    const limit = 64 * 1024 * 1024;
    bed.server.answer = (_path, message) => Buffer.from([0x1a, 0x08, ...Buffer.from(String(message.length))]);
    const overhead = inferRequest('iris', Buffer.alloc(limit - 1024)).length - (limit - 1024);
    const largest = { model_name: 'iris', id: '42', raw_input_contents: [Buffer.alloc(limit - overhead, 7)] };
    const token = sign();
    const outcome = await bed.unary('ModelInfer', largest, { token, host: irisHost });
    expect(outcome).toMatchObject({ code: status.OK, messages: [{ id: String(limit) }] });
    const longer = { ...largest, raw_input_contents: [Buffer.alloc(limit - overhead + 1, 7)] };
    expect((await bed.unary('ModelInfer', longer, { token, host: irisHost })).code).toBe(status.RESOURCE_EXHAUSTED);
    expect(reached()).toHaveLength(1);
  });
});

function message(name = 'iris'): Buffer {
  return grpcMessage(inferRequest(name));
}

function indexResponse(names: readonly string[]): Buffer {
  const entries = names.map((name) => {
    const entry = Buffer.concat([
      Buffer.from([0x0a, name.length]),
      Buffer.from(name),
      Buffer.from([0x1a, 5]),
      Buffer.from('READY'),
    ]);
    return Buffer.concat([Buffer.from([0x0a, entry.length]), entry]);
  });
  return Buffer.concat(entries);
}

describe('a stream', () => {
  it('goes on as long as each message is permitted, whatever the first one was', async () => {
    const stream = bed.stream({ token: sign('fraud/iris:predict vision/digits:predict') });
    for (const name of ['fraud/iris', 'vision/digits', 'fraud/iris']) stream.send(name);
    await until(() => stream.answers.length === 3);
    expect(stream.answers.map(({ model_name: name }) => name)).toEqual(['iris', 'digits-7', 'iris']);
    stream.send('fraud/other');
    expect(await stream.done).toMatchObject({ code: status.PERMISSION_DENIED });
    expect(reached()[0]?.messages).toHaveLength(3);
    await until(() => reached()[0]?.reset === 8);
    expect(reached()[0]?.ended).toBe(false);
  });

  it('ends when its caller has no more', async () => {
    const stream = bed.stream({ token: sign() });
    stream.send('fraud/iris');
    stream.end();
    expect(await stream.done).toMatchObject({ code: status.OK, messages: [{ model_name: 'iris' }] });
  });

  it('without a message, or with a first one that is not permitted, reaches no model server', async () => {
    const empty = bed.stream({ token: sign() });
    empty.end();
    expect((await empty.done).code).toBe(status.INVALID_ARGUMENT);
    const other = bed.stream({ token: sign() });
    other.send('fraud/other');
    expect((await other.done).code).toBe(status.PERMISSION_DENIED);
    expect(reached()).toEqual([]);
  });

  it('has messages for the models of one server', async () => {
    const stream = bed.stream({ token: sign('fraud/iris:predict far/away:predict') });
    stream.send('fraud/iris');
    stream.send('far/away');
    expect((await stream.done).code).toBe(status.INVALID_ARGUMENT);
  });

  it('counts every message', async () => {
    await bed.bed.setLimit('few', { quota: 2, windowSeconds: 3_600 });
    const token = bed.bed.issuer.sign({ claims: { policy: 'few', sub: 'keycloak|few' } });
    const stream = bed.stream({ token });
    for (let turn = 0; turn < 3; turn++) stream.send('fraud/iris');
    expect((await stream.done).code).toBe(status.RESOURCE_EXHAUSTED);
    expect(reached()[0]?.messages).toHaveLength(2);
  });

  it('is cut when its token is revoked, also while nothing is sent', async () => {
    const token = bed.bed.issuer.sign({ claims: { jti: 'to-be-revoked' } });
    const stream = bed.stream({ token });
    stream.send('fraud/iris');
    await until(() => stream.answers.length === 1);
    bed.bed.issuer.revoke('to-be-revoked');
    const began = performance.now();
    expect((await stream.done).code).toBe(status.UNAUTHENTICATED);
    expect(performance.now() - began).toBeLessThan(15_000);
    await until(() => reached()[0]?.reset === 8);
  });

  it('goes on when its token has expired, and takes no new message', async () => {
    const exp = Math.floor(Date.now() / 1000) + 5;
    const stream = bed.stream({ token: bed.bed.issuer.sign({ claims: { exp } }) });
    stream.send('fraud/iris');
    await until(() => stream.answers.length === 1);
    await sleep((exp + 1.2) * 1000 - Date.now());
    expect(reached()[0]?.reset).toBeUndefined();
    stream.send('fraud/iris');
    expect((await stream.done).code).toBe(status.UNAUTHENTICATED);
    expect(reached()[0]?.messages).toHaveLength(1);
  });

  it('that its caller cancels is cancelled at the server, and does not look ended', async () => {
    const headers = { ':path': '/inference.GRPCInferenceService/ModelStreamInfer' };
    const caller = new AbortController();
    const outcome = bed.raw({ token: sign(), bytes: message('iris'), headers, open: true, signal: caller.signal });
    await until(() => reached()[0]?.messages.length === 1);
    caller.abort();
    await outcome;
    await until(() => reached()[0]?.reset === 8);
    expect(reached()[0]?.ended).toBe(false);
  });

  it('leaves nothing behind', async () => {
    for (let turn = 0; turn < 25; turn++) {
      const stream = bed.stream({ token: sign() });
      stream.send('fraud/iris');
      await until(() => stream.answers.length === 1);
      if (turn % 2 === 0) stream.cancel();
      else stream.end();
      await stream.done;
    }
    expect((await bed.unary('ModelInfer', infer, { token: sign() })).code).toBe(status.OK);
  });
});

describe('a gateway that stops', () => {
  it('ends the calls that are under way, answers the last ones, and only then goes', async () => {
    const other = await GrpcBed.startBed({ DRAIN_DELAY: '5s', SHUTDOWN_GRACE: '30s' });
    const token = other.bed.issuer.sign();
    const stream = other.stream({ token });
    stream.send('fraud/iris');
    await until(() => stream.answers.length === 1);
    const stopped = other.stop();
    expect((await other.unary('ModelInfer', infer, { token })).code).toBe(status.OK);
    expect((await other.unary('ModelInfer', infer, {})).code).toBe(status.UNAUTHENTICATED);
    stream.send('fraud/iris');
    stream.end();
    expect(await stream.done).toMatchObject({ code: status.OK, messages: { length: 2 } });
    await stopped;
  });
});
