import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { predictPath, TestBed } from './gateway.fixture.ts';

let bed: TestBed;
afterEach(() => bed.stop());

/** One answer as it arrives, in any version of HTTP. */
interface Stream {
  /** Everything that has come. */
  text: string;
  /** Whether it ended normally or broke off; undefined while it continues. */
  end: 'whole' | 'broken' | undefined;
  abort: () => void;
}

function overHttp1(version: '1.0' | '1.1', token: string): Stream {
  const { hostname, port } = new URL(bed.gateway.url);
  const socket: Socket = connect(Number(port), hostname);
  const stream: Stream = { text: '', end: undefined, abort: () => void socket.destroy() };
  socket.on('data', (bytes) => {
    stream.text += bytes.toString('latin1');
    if (version === '1.1' && stream.text.endsWith('0\r\n\r\n')) stream.end ??= 'whole';
  });
  // HTTP/1.0 ends an answer only by closing the connection.
  socket.on('end', () => (stream.end ??= version === '1.0' ? 'whole' : 'broken'));
  socket.on('error', () => (stream.end ??= 'broken'));
  const head = [`Host: ${hostname}`, `Authorization: Bearer ${token}`, 'Content-Length: 2'];
  socket.write(`POST ${predictPath} HTTP/${version}\r\n${head.join('\r\n')}\r\n\r\n{}`);
  return stream;
}

function overHttp2(token: string): Stream {
  const session = connectHttp2(bed.gateway.url);
  session.on('error', () => undefined);
  const authorization = `Bearer ${token}`;
  const request = session.request({ ':method': 'POST', ':path': predictPath, authorization });
  const stream: Stream = { text: '', end: undefined, abort: () => request.close(8) };
  request.on('data', (bytes: Buffer) => (stream.text += bytes.toString('latin1')));
  request.on('end', () => (stream.end ??= request.rstCode === 0 ? 'whole' : 'broken'));
  request.on('error', () => (stream.end ??= 'broken'));
  request.on('close', () => session.destroy());
  request.end('{}');
  return stream;
}

const ways: [string, (token?: string) => Stream][] = [
  ['HTTP/1.0', (token = bed.issuer.sign()) => overHttp1('1.0', token)],
  ['HTTP/1.1', (token = bed.issuer.sign()) => overHttp1('1.1', token)],
  ['HTTP/2', (token = bed.issuer.sign()) => overHttp2(token)],
];

/** Waits until the condition holds, and returns the milliseconds it took. */
async function until(holds: () => boolean): Promise<number> {
  const began = performance.now();
  while (!holds()) {
    if (performance.now() - began > 30_000) expect.unreachable('not within thirty seconds');
    await sleep(2);
  }
  return performance.now() - began;
}

describe.each(ways)('an answer that streams, over %s', (_version, open) => {
  it('breaks off when its token is revoked, and other answers continue', async () => {
    bed = await TestBed.start({ FEED_INTERVAL: '1s' });
    bed.model.behaviour = 'trickle';
    const cut = open(bed.issuer.sign({ claims: { jti: 'to-be-revoked' } }));
    const other = open();
    await until(() => cut.text.includes('data: x') && other.text.includes('data: x'));
    bed.issuer.revoke('to-be-revoked');
    await until(() => cut.end !== undefined);
    expect([cut.end, other.end]).toEqual(['broken', undefined]);
    await until(() => bed.model.aborted === 1);
    expect(bed.log).toContain('revoked');
    other.abort();
  });

  it('continues for a while after its token has expired', async () => {
    bed = await TestBed.start({ CLOCK_SKEW: '0s', FEED_INTERVAL: '1s' });
    bed.model.behaviour = 'trickle';
    const exp = Math.floor(Date.now() / 1000) + 5;
    const stream = open(bed.issuer.sign({ claims: { exp } }));
    await until(() => stream.text.includes('data: x'));
    // Also past a poll of the feed, after which streams are checked.
    await sleep((exp + 2.5) * 1000 - Date.now());
    const length = stream.text.length;
    await until(() => stream.text.length > length);
    expect(stream.end).toBeUndefined();
    stream.abort();
  });

  it('may last longer than every timeout', async () => {
    bed = await TestBed.start({
      HEADERS_TIMEOUT: '2s',
      REQUEST_TIMEOUT: '2s',
      IDLE_TIMEOUT: '2s',
      UPSTREAM_TIMEOUT: '2s',
      UPSTREAM_IDLE_TIMEOUT: '2s',
      STALLED_TIMEOUT: '2s',
    });
    bed.model.behaviour = 'trickle';
    const stream = open();
    await sleep(6_000);
    const { length } = stream.text;
    expect(length).toBeGreaterThan(0);
    await until(() => stream.text.length > length);
    expect(stream.end).toBeUndefined();
    stream.abort();
  });

  const begun = async (): Promise<Stream> => {
    const stream = open();
    await until(() => stream.text.includes('data: x'));
    return stream;
  };
  /** The limit for the fastest quarter: the others show how busy the machine was. */
  const unhindered = (times: number[]): number => times.toSorted((a, b) => a - b)[Math.floor(times.length / 4)] ?? 0;

  it('is given up at the model server within 100 ms after its caller has gone', async () => {
    bed = await TestBed.start();
    bed.model.behaviour = 'trickle';
    const times: number[] = [];
    for (let at = 0; at < 40; at++) {
      const stream = await begun();
      const { aborted } = bed.model;
      stream.abort();
      times.push(await until(() => bed.model.aborted > aborted));
    }
    expect(unhindered(times)).toBeLessThan(100);
    expect(bed.model.aborted).toBe(40);
    await until(() => bed.model.connections === 0);
  });

  it('is broken off within 100 ms after the model server has reset it, and never looks complete', async () => {
    bed = await TestBed.start();
    bed.model.behaviour = 'trickle';
    const times: number[] = [];
    for (let at = 0; at < 40; at++) {
      const stream = await begun();
      bed.model.reset();
      times.push(await until(() => stream.end !== undefined));
      expect(stream.end).toBe('broken');
    }
    expect(unhindered(times)).toBeLessThan(100);
  });

  it('is broken off if the model server falls silent', async () => {
    bed = await TestBed.start({ UPSTREAM_IDLE_TIMEOUT: '1s' });
    bed.model.behaviour = 'trickle-then-silence';
    const stream = await begun();
    await until(() => stream.end !== undefined);
    expect(stream.end).toBe('broken');
    await until(() => bed.model.aborted === 1);
  });

  it('is broken off if it outlasts the grace period of a stopping gateway', async () => {
    bed = await TestBed.start({ SHUTDOWN_GRACE: '1s' });
    bed.model.behaviour = 'trickle';
    const stream = await begun();
    const began = performance.now();
    await bed.gateway.close();
    expect(performance.now() - began).toBeLessThan(15_000);
    await until(() => stream.end !== undefined);
    expect(stream.end).toBe('broken');
  });
});
