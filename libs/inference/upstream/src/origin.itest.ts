import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Exchange, type OutgoingRequest } from './exchange.ts';
import { Origin, type OriginOptions } from './origin.ts';
import type { UpstreamError } from './upstream-error.ts';

/** The behaviour of the model server on the `index`-th connection; `text` is everything received so far. */
type Behaviour = (socket: Socket, text: string, index: number) => void;

let server: Server;
let origin: Origin;
let behaviour: Behaviour;
/** The bytes that reached each connection. */
let received: string[];
let sockets: Set<Socket>;

const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const always: Behaviour = (socket, text) => {
  if (text.endsWith('\r\n\r\n') || text.endsWith('body') || text.endsWith('0\r\n\r\n')) socket.write(answer);
};

beforeEach(async () => {
  received = [];
  sockets = new Set();
  behaviour = always;
  server = createServer((socket) => {
    const index = received.push('') - 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      received[index] += chunk.toString('latin1');
      behaviour(socket, received[index] ?? '', index);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = make();
});
afterEach(async () => {
  origin.close();
  sockets.forEach((socket) => socket.destroy());
  if (server.listening) await new Promise((resolve) => server.close(resolve));
});

function make(options: Partial<OriginOptions> = {}): Origin {
  return new Origin(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    maxConnections: 4,
    maxQueued: 4,
    queueMs: 1_000,
    connectTimeoutMs: 2_000,
    firstByteMs: 1_000,
    idleMs: 1_000,
    stalledMs: 1_000,
    keepAliveMs: 60_000,
    random: () => 0.5,
    ...options,
  });
}

interface Outcome {
  status: number;
  body: string;
  end: 'ended' | 'failed' | undefined;
  error: UpstreamError | undefined;
}

function send(request: Partial<OutgoingRequest> = {}, wants = () => true) {
  const outcome: Outcome = { status: 0, body: '', end: undefined, error: undefined };
  let settle: (outcome: Outcome) => void = () => undefined;
  const done = new Promise<Outcome>((resolve) => (settle = resolve));
  const exchange = new Exchange(
    { method: 'POST', path: '/p', headers: ['host', 'm'], body: Buffer.from('body'), ...request },
    {
      onHead: (status) => (outcome.status = status),
      onBody: (piece) => {
        outcome.body += piece.toString('latin1');
        return wants();
      },
      onEnd: () => settle(Object.assign(outcome, { end: 'ended' })),
      onError: (error) => settle(Object.assign(outcome, { end: 'failed', error })),
    },
  );
  origin.dispatch(exchange);
  return { exchange, outcome, done };
}

async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 3_000 && !holds(); turn++) await sleep(10);
  expect(holds()).toBe(true);
}

/** Runs the timeout checks until the exchange has ended. */
async function swept(done: Promise<Outcome>): Promise<Outcome> {
  const sweep = setInterval(() => origin.sweep(), 20);
  return done.finally(() => clearInterval(sweep));
}

describe('connections', () => {
  it('are reused, and carry one exchange at a time', async () => {
    for (let turn = 0; turn < 3; turn++)
      expect(await send().done).toMatchObject({ status: 200, body: 'ok', end: 'ended' });
    expect(received.length).toBe(1);
    await Promise.all([send().done, send().done]);
    expect(received.length).toBe(2);
  });

  it('are not reused after bytes that belong to no request', async () => {
    behaviour = (socket) => void socket.write(`${answer}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`);
    const first = await send().done;
    behaviour = always;
    const second = await send().done;
    expect([first.end, second.body]).toEqual(['failed', 'ok']);
    expect(received.length).toBe(2);
  });

  it('are closed if a late answer arrives between two exchanges', async () => {
    await send().done;
    sockets.forEach((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'));
    await until(() => origin.state.connections === 0);
    expect((await send().done).body).toBe('ok');
  });

  it('are closed after the idle timeout', async () => {
    origin = make({ keepAliveMs: 30 });
    await send().done;
    await sleep(60);
    origin.sweep();
    expect(origin.state.connections).toBe(0);
  });

  it('are not reused if the answer arrived before the whole request was sent', async () => {
    behaviour = (socket) => void socket.write(answer);
    const body = new PassThrough();
    const early = send({ body, headers: ['host', 'm', 'content-length', '100'] });
    body.write('some');
    expect(await early.done).toMatchObject({ status: 200, end: 'ended' });
    await until(() => origin.state.connections === 0);
  });

  it('have a bounded queue', async () => {
    behaviour = () => undefined;
    const outcomes = Array.from({ length: 9 }, () => send());
    expect((await outcomes[8]?.done)?.error?.reason).toBe('upstream_busy');
    expect((await swept(outcomes[7]?.done ?? Promise.reject(new Error()))).error?.reason).toBe('upstream_busy');
    await Promise.all(outcomes.slice(0, 4).map(({ done }) => swept(done)));
  });
});

describe('a request that was sent is not sent again', () => {
  it.each<[string, Behaviour]>([
    ['closes before it answers', (socket) => void socket.end()],
    ['resets before it answers', (socket) => void socket.resetAndDestroy()],
    ['answers half a head', (socket) => void socket.end('HTTP/1.1 200')],
    ['answers half a body', (socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf')],
    ['answers garbage', (socket) => void socket.write('garbage\r\n\r\n')],
  ])('if the model server %s, on a new and on a reused connection', async (_what, wrong) => {
    behaviour = wrong;
    expect((await send().done).end).toBe('failed');
    expect(received.length).toBe(1);
    behaviour = always;
    await send().done;
    behaviour = wrong;
    expect((await send().done).end).toBe('failed');
    expect(received.join('').split('POST /p').length - 1).toBe(3);
  });

  it('if it is a GET and its reused connection closes', async () => {
    const get = { method: 'GET', body: null } as const;
    await send(get).done;
    behaviour = (socket) => void socket.resetAndDestroy();
    expect((await send(get).done).error?.reason).toBe('upstream_broken');
    expect(received).toHaveLength(1);
    expect(received.join('').split('GET /p').length - 1).toBe(2);
  });
});

describe('streamed bodies', () => {
  it('are sent in chunks, or with their length', async () => {
    await send({ body: Readable.from([Buffer.from('ab'), Buffer.from('cde')]) }).done;
    expect(received[0]).toContain('transfer-encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n');
    behaviour = (socket, text) => text.endsWith('abcde') && void socket.write(answer);
    await send({ body: Readable.from([Buffer.from('abcde')]), headers: ['host', 'm', 'content-length', '5'] }).done;
    expect(received[0]).toContain('content-length: 5\r\n\r\nabcde');
  });

  it.each<[string, (body: PassThrough) => void]>([
    ['is shorter than it says', (body) => body.end('ab')],
    ['is longer than it says', (body) => body.write('abcdefgh')],
    ['breaks off', (body) => body.destroy()],
  ])('end the exchange and the connection if one %s', async (_what, act) => {
    behaviour = () => undefined;
    const body = new PassThrough();
    const sent = send({ body, headers: ['host', 'm', 'content-length', '5'] });
    await until(() => received.length === 1);
    act(body);
    expect((await sent.done).error?.reason).toBe('upstream_broken');
    await until(() => sockets.size === 0);
    expect(origin.state.circuit).toBe('closed');
  });
});

describe('a slow model server', () => {
  it('times out if it does not answer, and if it stops in the middle', async () => {
    behaviour = () => undefined;
    expect((await swept(send().done)).error?.reason).toBe('upstream_timeout');
    behaviour = (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf');
    expect(await swept(send().done)).toMatchObject({ body: 'half', error: { reason: 'upstream_timeout' } });
    await until(() => sockets.size === 0);
  });

  it('is not blamed for a caller that stops sending', async () => {
    behaviour = () => undefined;
    const body = new PassThrough();
    const sent = send({ body });
    body.write('some');
    expect((await swept(sent.done)).error?.reason).toBe('request_timeout');
    expect(origin.state.circuit).toBe('closed');
  });

  it('does not time out while there is progress', async () => {
    behaviour = (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n');
      void (async () => {
        for (let piece = 0; piece < 8; piece++) {
          await sleep(250);
          socket.write('x');
        }
      })();
    };
    expect(await swept(send().done)).toMatchObject({ body: 'xxxxxxxx', end: 'ended' });
  });
});

describe('a caller', () => {
  it('that does not read pauses the model server, and times out in the end', async () => {
    let written = 0;
    behaviour = (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n');
      const chunk = Buffer.alloc(65_536);
      const write = (): void => {
        while (!socket.destroyed && socket.write(chunk)) written += chunk.length;
      };
      socket.on('drain', write);
      write();
    };
    const sent = send({}, () => false);
    expect((await swept(sent.done)).error?.reason).toBe('upstream_timeout');
    expect(sent.outcome.body.length).toBeLessThanOrEqual(65_536);
    expect(written).toBeLessThan(32 * 1024 * 1024);
  });

  it('that goes away closes the upstream connection, at any stage of the exchange', async () => {
    behaviour = () => undefined;
    const waiting = send();
    await until(() => received.length === 1);
    waiting.exchange.abort();
    await until(() => sockets.size === 0);
    behaviour = (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf');
    const half = send();
    await until(() => half.outcome.body === 'half');
    half.exchange.abort();
    await until(() => sockets.size === 0);
    expect(half.outcome.end).toBeUndefined();
  });

  it('that goes away in the queue is never sent to the model server', async () => {
    origin = make({ maxConnections: 1 });
    behaviour = () => undefined;
    const first = send();
    const second = send({ path: '/never' });
    await until(() => received.length === 1);
    second.exchange.abort();
    first.exchange.abort();
    await sleep(50);
    expect(received.join('')).not.toContain('/never');
  });
});

describe('a model server that is down', () => {
  it('is not asked for a while, then probed once, then used again', async () => {
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const reasons: (string | undefined)[] = [];
    for (let turn = 0; turn < 7; turn++) reasons.push((await send().done).error?.reason);
    expect(reasons.slice(0, 5)).toEqual(Array.from({ length: 5 }, () => 'upstream_unreachable'));
    expect(reasons.slice(5)).toEqual(['upstream_unavailable', 'upstream_unavailable']);
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    await until(() => origin.state.circuit === 'half-open');
    expect((await send().done).end).toBe('ended');
    expect(origin.state.circuit).toBe('closed');
  });
});
