import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { predictPath, TestBed } from './gateway.fixture.ts';

let bed: TestBed;
let session: ClientHttp2Session;
let socket: Socket;
let before = 0;
beforeAll(async () => {
  bed = await TestBed.start({ MAX_BODY_BYTES: '8000000' });
});
afterAll(() => bed.stop());
beforeEach(() => {
  bed.model.behaviour = 'serve';
  before = bed.model.seen.length;
  const { hostname, port } = new URL(bed.gateway.url);
  socket = connectTcp({ host: hostname, port: Number(port), allowHalfOpen: true });
  session = connect(bed.gateway.url, { createConnection: () => socket });
  session.on('error', () => undefined);
});
afterEach(() => session.destroy());

interface Answer {
  status: number | undefined;
  headers: Record<string, unknown>;
  body: string;
  /** The code the stream was reset with; 0 where it ended. */
  reset: number;
}

interface Sent {
  headers?: Record<string, string>;
  token?: string | undefined;
  body?: Buffer | string | undefined;
}

const reached = (): number => bed.model.seen.length - before;

function open({ headers = {}, token = bed.issuer.sign() }: Sent = {}, endStream = false): ClientHttp2Stream {
  const defaults = { ':method': 'POST', ':path': predictPath, authorization: `Bearer ${token}` };
  return session.request({ ...defaults, ...headers }, { endStream });
}

function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
  return new Promise((resolve) => {
    const answer: Answer = { status: undefined, headers: {}, body: '', reset: 0 };
    stream.on('response', (headers) => {
      answer.status = headers[':status'];
      answer.headers = headers;
    });
    stream.on('data', (chunk: Buffer) => (answer.body += chunk.toString('latin1')));
    stream.on('error', () => undefined);
    stream.on('close', () => resolve({ ...answer, reset: stream.rstCode ?? 0 }));
  });
}

function send(sent: Sent = {}): Promise<Answer> {
  const stream = open(sent, sent.body === undefined);
  if (sent.body !== undefined) stream.end(sent.body);
  return answerOf(stream);
}

const body = '{"instances":[[1,2,3,4]]}';
const reasonOf = (answer: Answer): unknown => (JSON.parse(answer.body) as { reason?: unknown }).reason;

describe('HTTP/2 with prior knowledge', () => {
  it('forwards what the token permits, without its credential', async () => {
    const answer = await send({ body, headers: { 'content-type': 'application/json' } });
    expect([answer.status, answer.reset]).toEqual([200, 0]);
    expect(answer.headers['x-request-id']).toMatch(/./);
    const seen = bed.model.seen.at(-1);
    expect(seen?.body.toString()).toBe(body);
    expect(seen?.rawHeaders.join(' ')).not.toMatch(/bearer|transfer-encoding: .*chunked.*content-length/i);
  });

  it('takes the largest token that is issued', async () => {
    expect((await send({ body, token: bed.largestToken() })).status).toBe(200);
    expect(reached()).toBe(1);
  });

  it('forwards a body of declared length with that length', async () => {
    const answer = await send({ body, headers: { 'content-length': String(body.length) } });
    expect(answer.status).toBe(200);
    expect(bed.model.seen.at(-1)?.body.toString()).toBe(body);
  });

  it.each<[string, Sent, number, string]>([
    ['no token', { headers: { authorization: '' } }, 401, 'token_missing'],
    [
      'another model',
      { headers: { ':path': '/serving/vision/digits/v1/models/digits:predict' } },
      403,
      'insufficient_scope',
    ],
    [
      'an encoded path',
      { headers: { ':path': '/serving/fraud/iris/v1/models/iris%3Apredict' } },
      400,
      'percent_encoding',
    ],
    ['a method in lower case', { headers: { ':method': 'post' } }, 400, 'method_malformed'],
    ['two hosts', { headers: { ':authority': '127.0.0.1', host: 'evil.example' } }, 400, 'host_malformed'],
    ['a wrong authority', { headers: { ':authority': '127.0.0.1.' } }, 400, 'host_malformed'],
    ['a wrong scheme', { headers: { ':scheme': 'file' } }, 400, 'pseudo_header'],
    ['a header with an underscore', { headers: { x_auth_user: 'a' } }, 400, 'header_underscore'],
    ['a method override', { headers: { 'x-http-method-override': 'GET' } }, 400, 'method_override'],
  ])('refuses %s in the dialect of its caller', async (_what, sent, status, reason) => {
    const answer = await send({ ...sent, body });
    expect([answer.status, reasonOf(answer)]).toEqual([status, reason]);
    expect(reached()).toBe(0);
  });

  it('refuses a body beyond its limit, declared or not, and goes on with the connection', async () => {
    const large = Buffer.alloc(8_000_001);
    const declared = await send({ body: large, headers: { 'content-length': String(large.length) } });
    expect([declared.status, reasonOf(declared)]).toEqual([413, 'body_too_large']);
    expect(reached()).toBe(0);
    const undeclared = await send({ body: large });
    expect(undeclared.status === 413 || undeclared.reset !== 0).toBe(true);
    expect((await send({ body })).status).toBe(200);
  });

  it('forwards an empty body of which no length is declared, also while the token is still to be verified', async () => {
    const stream = open();
    stream.end();
    expect((await answerOf(stream)).status).toBe(200);
    expect(bed.model.seen.at(-1)?.body).toHaveLength(0);
  });

  it('refuses a body that is not as long as it says', async () => {
    const answer = await send({ body, headers: { 'content-length': '5' } });
    expect(answer.status).not.toBe(200);
    expect(reached()).toBe(0);
  });

  it('carries large bodies both ways, many at a time', async () => {
    bed.model.behaviour = 'echo';
    const large = Buffer.alloc(300_000, 'abcdefghij');
    const answers = await Promise.all(Array.from({ length: 20 }, () => send({ body: large })));
    expect(answers.every((answer) => answer.status === 200 && answer.body === large.toString('latin1'))).toBe(true);
  });

  it('resets the stream where the model server breaks off, and only that', async () => {
    bed.model.behaviour = 'reset-in-the-middle';
    const broken = await send({ body });
    expect(broken.reset).toBe(constants.NGHTTP2_INTERNAL_ERROR);
    bed.model.behaviour = 'serve';
    expect((await send({ body })).status).toBe(200);
  });

  it('tells the model server when its caller has gone', async () => {
    bed.model.behaviour = 'trickle';
    const { aborted } = bed.model;
    const stream = open();
    stream.end(body);
    stream.on('error', () => undefined);
    await new Promise((resolve) => stream.once('data', resolve));
    stream.close(constants.NGHTTP2_CANCEL);
    for (let turn = 0; turn < 1_000 && bed.model.aborted === aborted; turn++) await sleep(20);
    expect(bed.model.aborted).toBe(aborted + 1);
  });

  it('tells the model server when its caller has closed its side of the connection, without a word', async () => {
    bed.model.behaviour = 'trickle';
    const { aborted } = bed.model;
    const stream = open();
    stream.end(body);
    stream.on('error', () => undefined);
    await new Promise((resolve) => stream.once('data', resolve));
    socket.end();
    for (let turn = 0; turn < 1_000 && bed.model.aborted === aborted; turn++) await sleep(20);
    expect(bed.model.aborted).toBe(aborted + 1);
  });

  it('reads from the model server no faster than its caller reads', async () => {
    bed.model.behaviour = 'flood';
    bed.model.written = 0;
    const stream = open();
    stream.end(body);
    stream.on('error', () => undefined);
    await new Promise((resolve) => stream.once('response', resolve));
    expect(await bed.model.writtenOnceStill()).toBeLessThan(64 * 1024 * 1024);
    stream.close();
  });

  it('takes a preface that comes byte by byte', async () => {
    const { hostname, port } = new URL(bed.gateway.url);
    const raw = connectTcp(Number(port), hostname);
    const settings = new Promise<Buffer>((resolve) => raw.once('data', resolve));
    for (const byte of 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n') {
      raw.write(byte);
      await sleep(2);
    }
    raw.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
    expect((await settings)[3]).toBe(4);
    raw.destroy();
  });
});
