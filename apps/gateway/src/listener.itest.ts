import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { predictPath, TestBed } from './gateway.fixture.ts';

let bed: TestBed;
afterEach(() => bed.stop());
const origin = 'https://console.example.com';
const body = '{"instances":[[1,2,3,4]]}';

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 30_000; Date.now() < end && !(await holds());) await sleep(20);
  expect(await holds()).toBe(true);
}

/** A client that sends bytes now and then, and everything that it received. */
interface Caller {
  socket: Socket;
  received: () => string;
  closed: () => boolean;
  write: (text: string) => void;
}

function speak(...parts: string[]): Caller {
  const { hostname, port } = new URL(bed.gateway.url);
  const socket = connect(Number(port), hostname);
  let text = '';
  let isClosed = false;
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => (text += chunk.toString('latin1')));
  socket.on('close', () => (isClosed = true));
  for (const part of parts) socket.write(part);
  return { socket, received: () => text, closed: () => isClosed, write: (more) => void socket.write(more) };
}

describe('callers in a browser', () => {
  const preflight = (from: string) => ({
    method: 'OPTIONS',
    headers: {
      origin: from,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization',
    },
  });

  it('are sent the same preflight answer for every path, without a token', async () => {
    bed = await TestBed.start({ CORS_ALLOWED_ORIGINS: `${origin}, http://localhost:5173` });
    for (const path of [predictPath, '/no/such/path']) {
      const answer = await bed.send({ ...preflight(origin), path });
      expect([answer.status, answer.body.length]).toEqual([204, 0]);
      expect(answer.headers['access-control-allow-origin']).toBe(origin);
      expect(answer.headers['access-control-allow-headers']).toContain('authorization');
    }
    const foreign = await bed.send(preflight('https://evil.example'));
    expect(foreign.headers['access-control-allow-origin']).toBeUndefined();
    expect(bed.model.seen).toEqual([]);
  });

  it('can read answers and refusals only from an allowed origin', async () => {
    bed = await TestBed.start({ CORS_ALLOWED_ORIGINS: origin });
    const token = bed.issuer.sign();
    const allowed = await bed.send({ token, body, headers: { origin } });
    expect([allowed.status, allowed.headers['access-control-allow-origin']]).toEqual([200, origin]);
    expect(allowed.headers['access-control-allow-credentials']).toBeUndefined();
    const refused = await bed.send({ headers: { origin }, body });
    expect([refused.status, refused.headers['access-control-allow-origin']]).toEqual([401, origin]);
    const malformed = await bed.send({ headers: { origin }, path: '/a%2fb' });
    expect([malformed.status, malformed.headers['access-control-allow-origin']]).toEqual([400, origin]);
    const foreign = await bed.send({ token, body, headers: { origin: 'https://evil.example' } });
    expect([foreign.status, foreign.headers['access-control-allow-origin']]).toEqual([200, undefined]);
    expect(foreign.headers.vary).toBe('origin');
  });

  it('get no preflight answer if no origin is allowed', async () => {
    bed = await TestBed.start();
    expect((await bed.send(preflight(origin))).status).toBe(401);
    const answer = await bed.send({ ...preflight(origin), token: bed.issuer.sign() });
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([405, undefined]);
    expect(bed.model.seen).toEqual([]);
  });
});

describe('a catalogue that changes', () => {
  it('takes effect soon after its file was written, unless it is invalid', async () => {
    bed = await TestBed.start({ CATALOGUE_INTERVAL: '1s' });
    const path = '/serving/fraud/boston/v1/models/boston:predict';
    const token = bed.issuer.sign({
      claims: {
        scope: 'fraud/boston:predict fraud/iris:predict',
        authorization_details: [
          { type: 'kserve_inference', models: ['fraud/boston', 'fraud/iris'], actions: ['predict'] },
        ],
      },
    });
    expect((await bed.send({ path, token, body })).status).toBe(404);
    const models = ['fraud/iris', 'fraud/boston'].map((model) => ({
      model,
      upstream: bed.model.url,
      protocols: ['v1'],
    }));
    const keepAlive = speak(request(token));
    await until(() => keepAlive.received().includes('200 OK'));
    writeFileSync(bed.catalogueFile, JSON.stringify({ domain: 'models.example.com', models }));
    await until(async () => (await bed.send({ path, token, body })).status === 200);
    writeFileSync(bed.catalogueFile, '{ "models": [{ "model": "not a name" }] }');
    await until(() => bed.log.includes('the changed catalogue is rejected'));
    expect((await bed.send({ path, token, body })).status).toBe(200);
    keepAlive.write(request(token));
    await until(() => keepAlive.received().split('200 OK').length === 3);
  });
});

describe('a gateway that is told to reload its files', () => {
  it('does so immediately, however long its polling interval is', async () => {
    bed = await TestBed.start({ CATALOGUE_INTERVAL: '1h' });
    const token = bed.issuer.sign();
    expect((await bed.send({ token, body })).status).toBe(200);
    const models = [{ model: 'fraud/boston', upstream: bed.model.url, protocols: ['v1'] }];
    writeFileSync(bed.catalogueFile, JSON.stringify({ domain: 'models.example.com', models }));
    await bed.gateway.reload();
    expect((await bed.send({ token, body })).status).toBe(404);
  });
});

describe('a gateway that stops', () => {
  it('closes silent connections, and answers callers that reconnect immediately', async () => {
    bed = await TestBed.start({ SHUTDOWN_GRACE: '30s' });
    const token = bed.issuer.sign();
    const [silent, idle, busy] = [speak(), speak(request(token)), speak(request(token))];
    await until(() => idle.received().includes('200 OK') && busy.received().includes('200 OK'));
    // A connection that was answered longer ago is considered idle.
    await sleep(300);
    let asked = 1;
    const comeBack = (): void => {
      if (busy.received().includes('connection: close')) return;
      busy.write(request(token));
      asked++;
    };
    busy.socket.on('data', comeBack);
    comeBack();
    await until(() => busy.received().split('200 OK').length > 3);
    const began = performance.now();
    await bed.gateway.close();
    expect(performance.now() - began).toBeLessThan(15_000);
    await until(() => silent.closed() && idle.closed() && busy.closed());
    expect(busy.received().split('200 OK')).toHaveLength(asked + 1);
    expect(busy.received()).toMatch(/keep-alive[^]*connection: close/);
  });
});

describe('slow callers', () => {
  const timeouts = { HEADERS_TIMEOUT: '1s', REQUEST_TIMEOUT: '2s', IDLE_TIMEOUT: '1s' };

  it.each<[string, () => string[], RegExp]>([
    ['say nothing at all', () => [], /^$/],
    ['begin like HTTP/2 and stop', () => ['PR'], /^$/],
    ['never end their headers', () => [`POST ${predictPath} HTTP/1.1\r\nHost: 127.0.0.1\r\n`], /^HTTP\/1.1 408 /],
    ['never end their body', () => [request(bed.issuer.sign()).slice(0, -5)], /^HTTP\/1.1 408 /],
    [
      'begin the headers of an HTTP/2 request and stop',
      () => ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '\0\0\0\x04\0\0\0\0\0', '\0\0\x01\x01\0\0\0\0\x01', '\x03'],
      /^\0/,
    ],
    ['open HTTP/2 and ask for nothing', () => ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '\0\0\0\x04\0\0\0\0\0'], /^\0/],
  ])('are cut off when they %s, while others are served', async (_what, parts, pattern) => {
    bed = await TestBed.start(timeouts);
    const slow = speak(...parts());
    await until(async () => {
      expect((await bed.predict(bed.issuer.sign())).status).toBe(200);
      return slow.closed();
    });
    expect(slow.received()).toMatch(pattern);
  });

  it.each<[string, () => string, string]>([
    ['headers', () => `POST ${predictPath} HTTP/1.1\r\nHost: 127.0.0.1\r\n`, 'X-More: 1\r\n'],
    ['body', () => request(bed.issuer.sign()).replace(/Length: \d+/, 'Length: 9999'), 'x'],
    [
      'chunks',
      () => request(bed.issuer.sign()).replace(/Content-Length: \d+(\r\n\r\n).*/, 'Transfer-Encoding: chunked$1'),
      '1\r\nx\r\n',
    ],
  ])('are cut off in time although their %s keep arriving in small pieces', async (_what, head, bit) => {
    bed = await TestBed.start({ ...timeouts, STALLED_TIMEOUT: '2m' });
    const slow = speak(head());
    const dripping = setInterval(() => slow.write(bit), 100);
    const began = performance.now();
    await until(async () => {
      expect((await bed.predict(bed.issuer.sign())).status).toBe(200);
      return slow.closed();
    });
    clearInterval(dripping);
    expect(performance.now() - began).toBeLessThan(20_000);
    expect(slow.received()).toMatch(/^HTTP\/1.1 408 /);
    expect(bed.model.seen.filter(({ complete, body: sent }) => complete && sent.includes('xx'))).toEqual([]);
  });

  it.each<[string, string]>([
    ['pings', '\0\0\x08\x06\0\0\0\0\0pingpong'],
    ['the headers of one request, byte by byte', '\0'],
  ])('are cut off in time if they send only %s over HTTP/2', async (_what, bit) => {
    bed = await TestBed.start(timeouts);
    const headers = '\0\x40\0\x01\x04\0\0\0\x01';
    const slow = speak('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '\0\0\0\x04\0\0\0\0\0', bit === '\0' ? headers : '');
    const dripping = setInterval(() => slow.write(bit), 100);
    await until(() => slow.closed());
    clearInterval(dripping);
  });

  it('find one connection too many closed', async () => {
    bed = await TestBed.start({ MAX_CONNECTIONS: '3' });
    const open = Array.from({ length: 3 }, () => speak(request(bed.issuer.sign())));
    await until(() => open.every((one) => one.received().includes('200 OK')));
    const excess = speak(request(bed.issuer.sign()));
    await until(() => excess.closed());
    expect(excess.received()).toBe('');
    open[0]?.write(request(bed.issuer.sign()));
    await until(() => open[0]?.received().split('200 OK').length === 3);
  });
});

describe('a gateway that is about to stop', () => {
  it('reports that it is not ready, closes connections after their answers, and still serves', async () => {
    bed = await TestBed.start({ DRAIN_DELAY: '6s' });
    const caller = speak(request(bed.issuer.sign()));
    await until(() => caller.received().includes('200 OK'));
    expect(caller.received()).toContain('keep-alive');
    const stopped = bed.gateway.close();
    await until(async () => !(await bed.isReady()));
    caller.write(request(bed.issuer.sign()));
    await until(() => caller.received().split('200 OK').length === 3);
    expect(caller.received().split('200 OK')[2]).toContain('connection: close');
    await until(() => caller.closed());
    expect((await bed.predict(bed.issuer.sign())).status).toBe(200);
    await stopped;
    await expect(bed.predict(bed.issuer.sign())).rejects.toThrow();
  });
});

function request(token: string): string {
  const head = ['Host: 127.0.0.1', `Authorization: Bearer ${token}`, `Content-Length: ${body.length}`];
  return `POST ${predictPath} HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n${body}`;
}
