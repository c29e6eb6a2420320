import { maxModelTokenLength } from '@modelgate/core';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { predictPath, TestBed } from './gateway.fixture.ts';

let bed: TestBed;
beforeAll(async () => {
  bed = await TestBed.start({ MAX_BODY_BYTES: '8000000', UPSTREAM_TIMEOUT: '2s' });
});
afterAll(() => bed.stop());
let before = 0;
beforeEach(() => {
  bed.model.behaviour = 'serve';
  before = bed.model.seen.length;
});
const reached = (): number => bed.model.seen.length - before;
const reasonOf = (body: Buffer): unknown => (JSON.parse(body.toString()) as { reason?: unknown }).reason;
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 30_000; Date.now() < end && !(await holds());) await sleep(20);
  expect(await holds()).toBe(true);
}

describe('a request at the gateway', () => {
  it('passes with the largest token that is issued', async () => {
    const token = bed.largestToken();
    expect(token.length).toBeGreaterThan(maxModelTokenLength - 4);
    expect(await bed.send({ token })).toMatchObject({ status: 200 });
    expect(reached()).toBe(1);
  });

  it.each<[string, number, string, () => Parameters<TestBed['send']>[0]]>([
    ['no token', 401, 'token_missing', () => ({})],
    ['no token, and no such model', 401, 'token_missing', () => ({ path: '/serving/no/such/v1/models/such:predict' })],
    ['no token, and a wrong method', 401, 'token_missing', () => ({ method: 'DELETE' })],
    ['Basic credentials', 401, 'token_missing', () => ({ headers: { authorization: 'Basic eDp5' } })],
    ['two spaces after Bearer', 400, 'token_malformed', () => ({ headers: { authorization: 'Bearer  x' } })],
    ['garbage', 401, 'token_invalid', () => ({ token: 'garbage' })],
    [
      'another issuer',
      401,
      'token_invalid',
      () => ({ token: bed.issuer.sign({ claims: { iss: 'https://evil.example' } }) }),
    ],
    [
      'another audience',
      401,
      'token_invalid',
      () => ({ token: bed.issuer.sign({ claims: { aud: 'https://elsewhere.example' } }) }),
    ],
    ['an expired token', 401, 'token_expired', () => ({ token: bed.issuer.sign({ claims: { iat: 1, exp: 900 } }) })],
    [
      'a token of ten hours',
      401,
      'token_invalid',
      () => ({ token: bed.issuer.sign({ claims: { exp: Math.floor(Date.now() / 1000) + 36_000 } }) }),
    ],
    ['an ID token', 401, 'token_invalid', () => ({ token: bed.issuer.sign({ header: { typ: 'JWT' } }) })],
    [
      'another model',
      403,
      'insufficient_scope',
      () => ({ path: '/serving/vision/digits/v1/models/digits:predict', token: bed.issuer.sign() }),
    ],
    [
      'another verb',
      403,
      'insufficient_scope',
      () => ({ path: predictPath.replace('predict', 'explain'), token: bed.issuer.sign() }),
    ],
    [
      'no such model',
      404,
      'unknown_model',
      () => ({ path: '/serving/no/such/v1/models/such:predict', token: bed.issuer.sign() }),
    ],
    ['no such route', 404, 'unknown_route', () => ({ path: '/serving/fraud/iris/metrics', token: bed.issuer.sign() })],
    ['a wrong method', 405, 'method_not_allowed', () => ({ method: 'DELETE', token: bed.issuer.sign() })],
    ['a query', 400, 'query_not_allowed', () => ({ path: `${predictPath}?access_token=x`, token: bed.issuer.sign() })],
  ])('with %s gets %i %s, one line in the log, nothing at the model', async (_, status, reason, request) => {
    const answer = await bed.send(request());
    expect(answer.status).toBe(status);
    expect(reasonOf(answer.body)).toBe(reason);
    expect(answer.headers.location).toBeUndefined();
    if (status === 401) expect(answer.headers['www-authenticate']).toMatch(/^Bearer /);
    const id = String(answer.headers['x-request-id']);
    const lines = bed.log.split('\n').filter((line) => line.includes(id));
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '{}')).toMatchObject({ msg: 'refused', reason, status });
    expect(reached()).toBe(0);
  });

  it('passes with a valid token, cached or not, and the answer states what is left of the limit', async () => {
    const token = bed.issuer.sign();
    for (let index = 0; index < 3; index++) {
      const answer = await bed.predict(token);
      expect(answer.status).toBe(200);
      expect(answer.body.toString()).toBe('{"predictions":[1]}');
      expect(answer.headers['ratelimit-policy']).toBe('"fraud-scoring";q=1000000;w=1');
    }
    expect(reached()).toBe(3);
  });

  it('is refused with a revoked token or key within the feed’s interval, even if cached', async () => {
    const token = bed.issuer.sign({ claims: { jti: 'to-be-revoked' } });
    const other = bed.issuer.sign();
    expect((await bed.predict(token)).status).toBe(200);
    bed.issuer.revoke('to-be-revoked');
    await until(async () => (await bed.predict(token)).status === 401);
    expect((await bed.predict(other)).status).toBe(200);
  });

  it('passes with a new key immediately, and with an old one while it is published', async () => {
    const old = bed.issuer.sign();
    expect((await bed.predict(old)).status).toBe(200);
    bed.issuer.rotate();
    const fresh = bed.issuer.sign();
    expect((await bed.predict(fresh)).status).toBe(200);
    expect((await bed.predict(old)).status).toBe(200);
  });

  it('is counted per policy, subject and model, and gets 429 with Retry-After', async () => {
    await bed.setLimit('narrow', { quota: 2, windowSeconds: 3_600 });
    const token = bed.issuer.sign({ claims: { policy: 'narrow' } });
    const statuses = [];
    for (let index = 0; index < 3; index++) statuses.push((await bed.predict(token)).status);
    expect(statuses).toEqual([200, 200, 429]);
    const again = await bed.predict(bed.issuer.sign({ claims: { policy: 'narrow' } }));
    expect(again.status).toBe(429);
    expect(Number(again.headers['retry-after'])).toBeGreaterThan(0);
    expect((await bed.predict(bed.issuer.sign({ claims: { policy: 'narrow', sub: 'keycloak|other' } }))).status).toBe(
      200,
    );
  });

  it('never leaves its token in the log', async () => {
    const token = bed.issuer.sign({ claims: { aud: 'x' } });
    await bed.predict(token);
    await bed.predict(`${token}x`);
    expect(bed.log).not.toContain(token.split('.')[2]);
    expect(bed.log).not.toContain(token.split('.')[1]);
  });
});

describe('the gateway forwards', () => {
  it.each([0, 1, 65_536, 65_537, 5_000_000])('a body of %i bytes, unchanged there and back', async (length) => {
    bed.model.behaviour = 'echo';
    const body = randomBytes(length);
    const answer = await bed.send({
      token: bed.issuer.sign(),
      body,
      headers: { 'content-type': 'application/octet-stream', 'content-length': String(length) },
    });
    expect(answer.status).toBe(200);
    expect(answer.body.equals(body)).toBe(true);
    expect(bed.model.seen.at(-1)?.body.equals(body)).toBe(true);
  });

  it('a chunked body, unchanged', async () => {
    bed.model.behaviour = 'echo';
    const body = randomBytes(300_000);
    const answer = await bed.send({ token: bed.issuer.sign(), body, headers: { 'transfer-encoding': 'chunked' } });
    expect(answer.body.equals(body)).toBe(true);
  });

  it('neither the credential, nor an identity, nor headers that the model echoes', async () => {
    const token = bed.issuer.sign({
      claims: {
        scope: 'fraud/iris:explain',
        authorization_details: [{ type: 'kserve_inference', models: ['fraud/iris'], actions: ['explain'] }],
      },
    });
    const secret = { cookie: 'a=b', 'x-forwarded-user': 'root', 'x-custom': 'y', 'set-cookie': 'c=d', via: 'x' };
    const answer = await bed.send({
      path: predictPath.replace('predict', 'explain'),
      token,
      body: '{}',
      headers: { ...secret, 'content-type': 'application/json' },
    });
    expect(answer.status).toBe(200);
    for (const name of ['authorization', 'server', ...Object.keys(secret)])
      expect(answer.headers[name], name).toBeUndefined();
    const names = bed.model.seen.at(-1)?.rawHeaders.filter((_, index) => index % 2 === 0) ?? [];
    expect(
      names.map((name) => name.toLowerCase()).filter((name) => name in secret || name === 'authorization'),
    ).toEqual([]);
  });

  it('only those models of a list that the token may call', async () => {
    const scope = {
      scope: 'fraud/iris:metadata',
      authorization_details: [{ type: 'kserve_inference', models: ['fraud/iris'], actions: ['metadata'] }],
    };
    const answer = await bed.send({
      path: '/serving/fraud/iris/v1/models',
      method: 'GET',
      token: bed.issuer.sign({ claims: scope }),
    });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body.toString())).toEqual({ models: ['iris'] });
  });

  it('nothing of a body that is too large, declared or not', async () => {
    const declared = await bed
      .send({ token: bed.issuer.sign(), headers: { 'content-length': '8000001' } })
      .catch(() => undefined);
    if (declared) expect(declared.status).toBe(413);
    expect(reached()).toBe(0);
    const chunked = await bed
      .send({ token: bed.issuer.sign(), body: Buffer.alloc(9_000_000), headers: { 'transfer-encoding': 'chunked' } })
      .catch(() => undefined);
    if (chunked) expect(chunked.status).toBe(413);
    expect(bed.model.seen.slice(before).filter(({ complete }) => complete)).toEqual([]);
  });
});

describe('a failing model server', () => {
  it.each<['reset-before-answer' | 'redirect' | 'garbage' | 'silent', number, string]>([
    ['reset-before-answer', 502, 'upstream_broken'],
    ['redirect', 502, 'upstream_answer'],
    ['garbage', 502, 'upstream_answer'],
    ['silent', 504, 'upstream_timeout'],
  ])('that answers with %s makes the gateway answer %i %s', async (behaviour, status, reason) => {
    bed.model.behaviour = behaviour;
    const answer = await bed.predict(bed.issuer.sign());
    expect(answer.status).toBe(status);
    expect(reasonOf(answer.body)).toBe(reason);
  });

  it('a reset in the middle never looks like an end', async () => {
    bed.model.behaviour = 'reset-in-the-middle';
    await expect(bed.predict(bed.issuer.sign())).rejects.toThrow();
    bed.model.behaviour = 'serve';
    expect((await bed.predict(bed.issuer.sign())).status).toBe(200);
  });

  it('a caller that goes away takes its request at the model with it', async () => {
    bed.model.behaviour = 'trickle';
    const { hostname, port } = new URL(bed.gateway.url);
    const aborted = bed.model.aborted;
    const socket = connect(Number(port), hostname);
    const body = '{}';
    socket.write(
      `POST ${predictPath} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${bed.issuer.sign()}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await new Promise((resolve) => socket.once('data', resolve));
    socket.destroy();
    await until(() => bed.model.aborted === aborted + 1);
  });

  it('a caller that does not read stops the model, not the gateway’s memory', async () => {
    bed.model.behaviour = 'flood';
    const { hostname, port } = new URL(bed.gateway.url);
    const socket = connect(Number(port), hostname);
    socket.write(
      `POST ${predictPath} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${bed.issuer.sign()}\r\nContent-Length: 2\r\n\r\n{}`,
    );
    socket.pause();
    expect(await bed.model.writtenOnceStill()).toBeLessThan(64 * 1024 * 1024);
    socket.destroy();
  });
});

describe('malformed HTTP', () => {
  const head = (): string => `Authorization: Bearer ${bed.issuer.sign()}\r\n`;
  afterEach(() => expect(reached()).toBe(0));

  it.each<[string, RegExp, () => string]>([
    ['garbage', /^HTTP\/1\.1 400 /, () => 'garbage\r\n\r\n'],
    ['no Host', /^HTTP\/1\.1 400 /, () => `POST ${predictPath} HTTP/1.1\r\n${head()}Content-Length: 2\r\n\r\n{}`],
    [
      'two Hosts',
      /^HTTP\/1\.1 400 /,
      () => `POST ${predictPath} HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: x\r\n${head()}Content-Length: 2\r\n\r\n{}`,
    ],
    [
      'two lengths',
      /^HTTP\/1\.1 400 /,
      () =>
        `POST ${predictPath} HTTP/1.1\r\nHost: 127.0.0.1\r\n${head()}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`,
    ],
    [
      'a length and chunks',
      /^HTTP\/1\.1 400 /,
      () =>
        `POST ${predictPath} HTTP/1.1\r\nHost: 127.0.0.1\r\n${head()}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    [
      'a coding that is not known',
      /^HTTP\/1\.1 400 /,
      () => `POST ${predictPath} HTTP/1.1\r\nHost: 127.0.0.1\r\n${head()}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
    ],
    [
      'an obsolete fold',
      /^HTTP\/1\.1 400 /,
      () => `POST ${predictPath} HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\r\n b\r\n${head()}\r\n`,
    ],
    [
      'a header of 40 KB',
      /^HTTP\/1\.1 431 /,
      () => `POST ${predictPath} HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`,
    ],
    ['something like the preface of HTTP/2', /^HTTP\/1\.1 505 /, () => 'PRO * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['CONNECT', /^HTTP\/1\.1 400 /, () => 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n'],
    [
      'an expectation that is not known',
      /^HTTP\/1\.1 417 /,
      () =>
        `POST ${predictPath} HTTP/1.1\r\nHost: 127.0.0.1\r\n${head()}Expect: a-miracle\r\nContent-Length: 2\r\n\r\n{}`,
    ],
  ])('%s is refused', async (_, pattern, bytes) => {
    expect(await bed.raw(bytes())).toMatch(pattern);
  });

  it('with a broken chunk never reaches a model completely', async () => {
    const answer = await bed.raw(
      `POST ${predictPath} HTTP/1.1\r\nHost: 127.0.0.1\r\n${head()}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`,
    );
    expect(answer).not.toMatch(/^HTTP\/1\.1 200/);
    expect(bed.model.seen.slice(before).filter(({ complete }) => complete)).toEqual([]);
    before = bed.model.seen.length;
  });
});

describe('connections that are reset or never closed', () => {
  const predict = (more = ''): string =>
    `POST ${predictPath} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${bed.issuer.sign()}\r\n${more}Content-Length: 2\r\n\r\n{}`;
  const uncaught: unknown[] = [];
  const note = (error: unknown): void => void uncaught.push(error);
  beforeAll(() => void process.on('uncaughtException', note));
  afterAll(() => void process.off('uncaughtException', note));

  it.each<[string, () => string]>([
    ['CONNECT', () => 'CONNECT a:1 HTTP/1.1\r\n\r\n'],
    ['CONNECT with bytes for the tunnel', () => 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nbytes of a tunnel'],
    ['an upgrade', () => 'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n'],
    ['a prediction', predict],
    ['a prediction that waits for 100 Continue', () => predict('Expect: 100-continue\r\n')],
    ['two predictions in one write', () => predict() + predict()],
    ['bytes that are not HTTP', () => 'garbage\r\n\r\n'],
    ['the HTTP/2 preface', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ])('survives a reset at every byte of %s, and after its answer', async (_, make) => {
    const bytes = make();
    await Promise.all([resetAfter(bytes, 'answer'), resetAfter(bytes, 'sent')]);
    for (let length = 1; length < bytes.length; length += 50) {
      const cuts = Array.from({ length: Math.min(50, bytes.length - length) }, (__, i) => bytes.slice(0, length + i));
      await Promise.all(cuts.map((cut) => resetAfter(cut, 'sent')));
    }
    expect((await bed.predict(bed.issuer.sign())).status).toBe(200);
    expect(uncaught).toEqual([]);
  });

  it('closes a refused CONNECT whose caller never closes its own side', async () => {
    const { hostname, port } = new URL(bed.gateway.url);
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    socket.on('error', () => undefined);
    socket.resume();
    socket.write('CONNECT a:1 HTTP/1.1\r\n\r\n');
    await new Promise((resolve) => socket.once('end', resolve));
    // Once the gateway has let go of the socket, further bytes are answered by a reset.
    await until(() => {
      if (!socket.destroyed) socket.write('x');
      return socket.destroyed;
    });
  });

  function resetAfter(bytes: string, moment: 'sent' | 'answer'): Promise<void> {
    const { hostname, port } = new URL(bed.gateway.url);
    return new Promise((resolve) => {
      const socket = connect(Number(port), hostname);
      socket.on('error', () => undefined);
      socket.on('close', () => resolve());
      socket.write(bytes, () => moment === 'sent' && socket.resetAndDestroy());
      socket.on('data', () => moment === 'answer' && socket.resetAndDestroy());
    });
  }
});

describe('starting and stopping', () => {
  it('is not open and not ready while the issuer is away, and is both once it is there', async () => {
    const late = await TestBed.start({}, { ready: false });
    try {
      const refused = await late.predict(late.issuer.sign());
      expect(refused.status).toBe(503);
      expect(reasonOf(refused.body)).toBe('keys_unavailable');
      expect(await late.isReady()).toBe(false);
      late.issuer.down = false;
      await until(() => late.isReady());
      expect((await late.predict(late.issuer.sign())).status).toBe(200);
      late.issuer.down = true;
      await sleep(1_500);
      expect((await late.predict(late.issuer.sign())).status).toBe(200);
    } finally {
      await late.stop();
    }
  });

  it('starts from what the issuer said last where that is kept, and is neither open nor ready where it is not', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'modelgate-state-'));
    const settings = { STATE_FOLDER: join(folder, 'state') };
    const first = await TestBed.start(settings);
    try {
      expect((await first.predict(first.issuer.sign())).status).toBe(200);
      first.issuer.down = true;
      const second = await first.restart(settings);
      await until(() => second.isReady());
      expect((await second.predict(first.issuer.sign())).status).toBe(200);
      expect((await second.predict('x.y.z')).status).toBe(401);
      const without = await second.restart({});
      await sleep(1_500);
      expect(await without.isReady()).toBe(false);
      expect((await without.predict(first.issuer.sign())).status).toBe(503);
    } finally {
      await first.stop();
      rmSync(folder, { recursive: true });
    }
  });

  it('finishes what is on its way when it is stopped', async () => {
    const stopping = await TestBed.start({ SHUTDOWN_GRACE: '30s' });
    stopping.model.behaviour = 'trickle';
    const { hostname, port } = new URL(stopping.gateway.url);
    const socket = connect(Number(port), hostname);
    let received = '';
    socket.on('data', (chunk) => (received += chunk.toString()));
    socket.on('error', () => undefined);
    socket.write(
      `POST ${predictPath} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${stopping.issuer.sign()}\r\nContent-Length: 2\r\n\r\n{}`,
    );
    await until(() => received.includes('data: x'));
    stopping.model.behaviour = 'serve';
    const stopped = stopping.stop();
    const isOpen = () => stopping.predict(stopping.issuer.sign()).then(() => true);
    await until(async () => !(await isOpen().catch(() => false)));
    const seen = received.length;
    await until(() => received.length > seen);
    socket.destroy();
    await stopped;
  });
});
