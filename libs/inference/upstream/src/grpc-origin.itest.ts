import { CertificateAuthority, FakeGrpcServer, type GrpcBehaviour } from '@modelgate/testing';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GrpcCall, type GrpcAnswerHandler, type OutgoingMessage } from './grpc-call.ts';
import { GrpcOrigin } from './grpc-origin.ts';
import { GrpcUpstreams } from './grpc-upstreams.ts';
import type { OriginOptions } from './origin.ts';
import type { UpstreamError } from './upstream-error.ts';

let server: FakeGrpcServer;
let origin: GrpcOrigin;
let sweep: NodeJS.Timeout;

beforeEach(async () => {
  server = await FakeGrpcServer.start();
  origin = make();
  sweep = setInterval(() => origin.sweep(), 20);
});
afterEach(async () => {
  clearInterval(sweep);
  origin.close();
  await server.close();
});

const quick = {
  maxConnections: 4,
  maxQueued: 4,
  queueMs: 1_000,
  connectTimeoutMs: 2_000,
  firstByteMs: 1_500,
  idleMs: 1_500,
  stalledMs: 1_500,
  keepAliveMs: 60_000,
  random: () => 0.5,
};

function make(options: Partial<OriginOptions> = {}, url = server.url): GrpcOrigin {
  return new GrpcOrigin(url, { ...quick, ...options });
}

interface Outcome {
  headers: string[] | undefined;
  body: Buffer;
  trailers: string[] | undefined;
  error: UpstreamError | undefined;
}

/** A call with a promise for its outcome. */
class TestCall implements GrpcAnswerHandler {
  readonly call: GrpcCall;
  readonly outcome: Outcome = { headers: undefined, body: Buffer.alloc(0), trailers: undefined, error: undefined };
  readonly done: Promise<Outcome>;
  readonly room: () => void;
  readonly hasRoom: Promise<void>;
  wants = true;
  received = 0;
  readonly #settle: (outcome: Outcome) => void;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const room = Promise.withResolvers<void>();
    this.done = promise;
    this.#settle = resolve;
    this.room = room.resolve;
    this.hasRoom = room.promise;
    const headers = [':authority', 'model', 'content-type', 'application/grpc', 'te', 'trailers'];
    this.call = new GrpcCall({ path: '/inference.GRPCInferenceService/ModelInfer', headers }, this);
  }

  onHead(headers: string[]): void {
    this.outcome.headers = headers;
  }

  onPiece(piece: Buffer): boolean {
    this.received += piece.length;
    if (this.received < 1_000_000) this.outcome.body = Buffer.concat([this.outcome.body, piece]);
    return this.wants;
  }

  onTrailers(trailers: string[]): void {
    this.outcome.trailers = trailers;
    this.#settle(this.outcome);
  }

  onError(error: UpstreamError): void {
    this.outcome.error = error;
    this.#settle(this.outcome);
  }

  onRoom(): void {
    this.room();
  }
}

function message(content: string | Buffer, last = true): OutgoingMessage {
  const bytes = Buffer.from(content);
  return { pieces: [bytes], length: bytes.length, last };
}

function start(content: string | Buffer = 'hello', last = true, to: Pick<GrpcOrigin, 'dispatch'> = origin): TestCall {
  const test = new TestCall();
  test.call.send(message(content, last));
  to.dispatch(test.call);
  return test;
}

const unary = (content?: string | Buffer): Promise<Outcome> => start(content).done;

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 3_000 && !condition(); turn++) await sleep(10);
  expect(condition()).toBe(true);
}

describe('a call that succeeds', () => {
  it('sends one message and returns one, with the fields that a caller may see', async () => {
    const { headers, body, trailers, error } = await unary();
    expect(error).toBeUndefined();
    expect(headers).toEqual(['content-type', 'application/grpc', 'grpc-accept-encoding', 'gzip']);
    expect(body.toString('latin1')).toBe('\0\0\0\0\u0005hello');
    expect(trailers).toEqual(['grpc-status', '0']);
    expect(server.seen[0]).toMatchObject({ ended: true, flags: [0], messages: [Buffer.from('hello')] });
  });

  it('returns trailers only, or a status after a message', async () => {
    server.behaviour = 'trailers-only';
    expect(await unary()).toMatchObject({
      headers: undefined,
      trailers: ['grpc-status', '5', 'grpc-message', 'no%20such model'],
    });
    server.behaviour = 'late-status';
    expect((await unary()).trailers).toEqual(['grpc-status', '13', 'grpc-message', 'too late']);
  });

  it('exchanges messages in both directions for as long as both sides want', async () => {
    const stream = start('1', false);
    await until(() => stream.outcome.body.length === 6);
    for (const content of ['2', '3']) stream.call.send(message(content, false));
    await until(() => stream.outcome.body.length === 18);
    expect(server.seen[0]?.ended).toBe(false);
    stream.call.end();
    expect((await stream.done).trailers).toEqual(['grpc-status', '0']);
    expect(server.seen[0]?.ended).toBe(true);
  });

  it('shares one connection with other calls', async () => {
    await unary();
    const outcomes = await Promise.all(Array.from({ length: 80 }, (_, index) => unary(`m${index}`)));
    expect(outcomes.every(({ trailers }) => trailers?.[1] === '0')).toBe(true);
    expect(outcomes.map(({ body }) => body.toString('latin1', 5))).toEqual(outcomes.map((_, index) => `m${index}`));
    expect(server.sessions).toBe(1);
  });

  it('waits for a stream if the server allows few, on up to the maximum number of connections', async () => {
    await server.close();
    server = await FakeGrpcServer.start({ maxConcurrentStreams: 2 });
    origin = make({ maxQueued: 100, queueMs: 5_000, maxConnections: 3 });
    await unary();
    const outcomes = await Promise.all(Array.from({ length: 30 }, () => unary()));
    expect(outcomes.filter(({ error }) => error).map(({ error }) => error?.message)).toEqual([]);
    expect(server.sessions).toBeLessThanOrEqual(3);
  });

  it('carries 64 MB in both directions without copying them', async () => {
    const large = Buffer.alloc(64 * 1024 * 1024, 'abcdefgh');
    server.answer = (_, received) => Buffer.from(String(received.length));
    const before = process.memoryUsage().arrayBuffers;
    const pieces = Array.from({ length: 1024 }, (_, index) => large.subarray(index * 65_536, (index + 1) * 65_536));
    origin = make({ firstByteMs: 20_000 });
    const test = new TestCall();
    let sent = false;
    test.call.send({ pieces, length: large.length, last: true, onSent: () => (sent = true) });
    origin.dispatch(test.call);
    await until(() => (server.seen[0]?.rawHeaders.length ?? 0) > 0);
    // The server's own data may exist twice for a moment, because it concatenates.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(3 * large.length);
    const { body } = await test.done;
    expect(body.toString('latin1', 5)).toBe(String(large.length));
    expect(sent).toBe(true);
    expect(server.seen[0]?.messages[0]?.equals(large)).toBe(true);
  });

  it('uses TLS only with a server that negotiates HTTP/2', async () => {
    const authority = await CertificateAuthority.create();
    const { cert, key } = await authority.issue({ names: ['localhost', '127.0.0.1'] });
    const secure = await FakeGrpcServer.start({ tls: { cert, key } });
    const trusting = make({ tls: () => ({ ca: authority.cert }) }, secure.url);
    expect((await start('over TLS', true, trusting).done).trailers).toEqual(['grpc-status', '0']);
    const strict = make({}, secure.url);
    expect((await start('x', true, strict).done).error?.reason).toBe('upstream_unreachable');
    trusting.close();
    strict.close();
    await secure.close();
  });
});

describe('a call that fails', () => {
  it.each<[GrpcBehaviour, string]>([
    ['reset-before-answer', 'upstream_broken'],
    ['reset-in-the-middle', 'upstream_broken'],
    ['close-in-the-middle', 'upstream_broken'],
    ['no-trailers', 'upstream_broken'],
    ['no-status', 'upstream_broken'],
    ['http-503', 'upstream_answer'],
    ['html', 'upstream_answer'],
    ['silent', 'upstream_timeout'],
  ])('reports its reason if the server does %s', async (behaviour, reason) => {
    server.behaviour = behaviour;
    const { error, trailers } = await unary();
    expect(error?.reason).toBe(reason);
    expect(trailers).toBeUndefined();
    if (behaviour === 'close-in-the-middle') return;
    server.behaviour = 'echo';
    expect((await unary()).trailers).toEqual(['grpc-status', '0']);
    expect(server.sessions).toBe(1);
  });

  it('reports a refused connection, and opens the circuit after several of them', async () => {
    await server.close();
    const reasons = [];
    for (let turn = 0; turn < 7; turn++) reasons.push((await unary()).error?.reason);
    expect(reasons.slice(0, 5)).toEqual(Array.from({ length: 5 }, () => 'upstream_unreachable'));
    expect(reasons.at(-1)).toBe('upstream_unavailable');
    server = await FakeGrpcServer.start();
  });

  it('reports a server that speaks another protocol, or nothing', async () => {
    for (const greeting of ['HTTP/1.1 400 Bad Request\r\n\r\n', undefined]) {
      const other = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.on('data', () => (greeting ? socket.end(greeting) : undefined));
      });
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
      const address = other.address();
      const stranger = make(
        { queueMs: 5_000 },
        `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
      );
      const watch = setInterval(() => stranger.sweep(), 20);
      const { error } = await start('x', true, stranger).done;
      expect(error?.reason).toBe('upstream_unreachable');
      clearInterval(watch);
      stranger.close();
      other.close();
    }
  });

  it('times out once an answer stands still, and not while it makes progress', async () => {
    server.behaviour = 'trickle';
    const stream = start();
    await sleep(3 * quick.idleMs);
    const { length } = stream.outcome.body;
    await until(() => stream.outcome.body.length > length);
    expect([length > 0, stream.outcome.error]).toEqual([true, undefined]);
    server.behaviour = 'echo';
    stream.call.abort();
    const still = start('1', false);
    expect((await still.done).error?.reason).toBe('upstream_timeout');
  });

  it('reports that the gateway is stopping', async () => {
    server.behaviour = 'silent';
    const stream = start();
    await until(() => server.seen.length === 1);
    origin.close();
    expect((await stream.done).error?.reason).toBe('upstream_broken');
    expect((await unary()).error?.reason).toBe('shutting_down');
  });

  it('is refused if too many calls wait', async () => {
    await server.close();
    server = await FakeGrpcServer.start({ maxConcurrentStreams: 1 });
    server.behaviour = 'silent';
    origin = make({ maxConnections: 1, maxQueued: 1, firstByteMs: 30_000 });
    start();
    await until(() => server.seen.length === 1);
    const waiting = start();
    expect((await unary()).error?.reason).toBe('upstream_busy');
    expect((await waiting.done).error?.reason).toBe('upstream_busy');
    expect(server.seen).toHaveLength(1);
  });
});

describe('a call that the server has not processed', () => {
  it('is sent once more, with everything that was sent', async () => {
    server.behaviour = 'refuse-once';
    const stream = start('1', false);
    stream.call.send(message('2'));
    expect((await stream.done).trailers).toEqual(['grpc-status', '0']);
    expect(stream.outcome.body.toString('latin1')).toBe('\0\0\0\0\u00011\0\0\0\0\u00012');
    expect(server.seen).toHaveLength(2);
  });

  it('is not sent again if it was too long to be kept', async () => {
    server.behaviour = 'refuse-once';
    expect((await unary(Buffer.alloc(1024 * 1024 + 1))).error?.reason).toBe('upstream_broken');
    expect(server.seen).toHaveLength(1);
  });

  it('is unknown if the connection broke, so nothing is sent twice', async () => {
    server.behaviour = 'silent';
    const stream = start();
    await until(() => server.seen.length === 1);
    server.drop();
    expect((await stream.done).error?.reason).toBe('upstream_broken');
    expect(server.seen).toHaveLength(1);
  });

  it('uses a new connection after GOAWAY; calls under way continue', async () => {
    server.behaviour = 'goaway';
    const outcomes = [await unary(), await unary(), await unary()];
    expect(outcomes.map(({ trailers }) => trailers?.[1])).toEqual(['0', '0', '0']);
  });

  it('goes to another server if the first cannot be reached', async () => {
    const gone = await FakeGrpcServer.start();
    await gone.close();
    const upstreams = new GrpcUpstreams({ ...quick, random: () => 0 });
    const dispatch = (call: GrpcCall) => upstreams.dispatch(call, { origins: [gone.url, server.url] });
    expect((await start('x', true, { dispatch }).done).trailers).toEqual(['grpc-status', '0']);
    upstreams.close();
  });
});

describe('a caller', () => {
  it('that goes away resets the call, which never looks complete', async () => {
    const stream = start('1', false);
    await until(() => stream.outcome.body.length === 6);
    stream.call.abort();
    await until(() => server.seen[0]?.reset !== undefined);
    expect(server.seen[0]).toMatchObject({ ended: false, reset: 8 });
    expect(stream.outcome.trailers).toBeUndefined();
    expect((await unary()).trailers).toEqual(['grpc-status', '0']);
    expect(server.sessions).toBe(1);
  });

  it('that goes away during a message leaves an incomplete message, not a short one', async () => {
    server.behaviour = 'silent';
    const stream = start(Buffer.alloc(32 * 1024 * 1024), true);
    await until(() => server.seen.length === 1);
    stream.call.abort();
    await until(() => server.seen[0]?.reset !== undefined);
    expect(server.seen[0]).toMatchObject({ ended: false, messages: [] });
  });

  it('that does not read pauses the server, and times out', async () => {
    server.behaviour = 'flood';
    const stream = start();
    stream.wants = false;
    await until(() => stream.received > 0);
    const { error } = await stream.done;
    expect(error?.message).toBe(`the caller takes nothing for ${quick.stalledMs} ms`);
    expect(server.written).toBeLessThan(8 * 1024 * 1024);
  });

  it('that reads slowly receives everything', async () => {
    server.behaviour = 'flood';
    const stream = start();
    stream.wants = false;
    for (let turn = 1; turn < 20; turn++) {
      const { received } = stream;
      stream.call.resume();
      await until(() => stream.received > received);
    }
    expect(stream.outcome.error).toBeUndefined();
    stream.call.abort();
  });

  it('is notified when there is room again', async () => {
    const stream = start('1', false);
    await until(() => stream.outcome.body.length === 6);
    const room = stream.call.send(message(Buffer.alloc(4 * 1024 * 1024), false));
    expect(room).toBe(false);
    await stream.hasRoom;
    stream.call.abort();
  });

  it('whose request is answered before it is complete receives the answer', async () => {
    server.behaviour = 'early';
    const stream = start('1', false);
    expect((await stream.done).trailers).toEqual(['grpc-status', '8', 'grpc-message', 'enough']);
    expect((await unary()).trailers?.[1]).toBe('8');
  });
});
