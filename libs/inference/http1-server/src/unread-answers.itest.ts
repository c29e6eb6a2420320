import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Http1Request } from './http1-request.ts';
import { ServerBed } from './http1-server.fixture.ts';

let bed: ServerBed;
afterEach(() => bed.stop());

const until = (holds: () => void): Promise<void> => vi.waitFor(holds, { timeout: 60_000, interval: 10 });

/** More than the operating system buffers for the server. */
const large = Buffer.alloc(30_000_000, 97);

/** A caller that reads nothing until it is told to. */
class SlowCaller {
  readonly socket: Socket;
  bytes = 0;
  end: 'whole' | 'reset' | undefined;

  constructor(request: string) {
    this.socket = connect(bed.port, '127.0.0.1').pause();
    this.socket.on('data', (piece: Buffer) => (this.bytes += piece.length));
    this.socket.on('end', () => (this.end ??= 'whole'));
    this.socket.on('error', () => (this.end ??= 'reset'));
    this.socket.write(request);
  }
}

function answerLarge({ answer }: Http1Request): void {
  answer.writeHead(200, []);
  answer.flushHeaders();
  answer.write(large);
  answer.end();
}

describe('an answer that its caller has not read', () => {
  it('delays the next one, so that answers do not pile up', async () => {
    bed = await ServerBed.start(({ answer }) => {
      answer.writeHead(401, ['content-length', '1000']);
      answer.end(Buffer.alloc(1_000));
    });
    const { socket } = new SlowCaller('GET / HTTP/1.1\r\n\r\n'.repeat(100_000));
    for (let before = -1; before !== bed.requests.length; await sleep(500)) before = bed.requests.length;
    expect(bed.requests.length).toBeLessThan(20_000);
    socket.resume();
    await until(() => expect(bed.requests.length).toBe(100_000));
    socket.destroy();
  });

  it('times out if none of it is read', async () => {
    bed = await ServerBed.start(answerLarge, { stalledMs: 2_000 });
    const caller = new SlowCaller('GET / HTTP/1.1\r\n\r\n');
    await until(() => expect(bed.connections.size).toBe(1));
    await until(() => expect(bed.connections.size).toBe(0));
    caller.socket.resume();
    await until(() => expect(caller.end).toBe('reset'));
  });

  it('is not idle: a stopping server waits for it', async () => {
    bed = await ServerBed.start(answerLarge);
    const caller = new SlowCaller('GET / HTTP/1.1\r\n\r\n');
    await until(() => expect(bed.latest.answer.writableEnded).toBe(true));
    bed.connections.closeIdle(0);
    caller.socket.resume();
    await until(() => expect(caller.bytes).toBeGreaterThan(large.length));
    await until(() => {
      bed.connections.closeIdle(0);
      expect(caller.end).toBe('whole');
    });
  });
});

describe('the last answer of a connection', () => {
  const ofHttp10 = 'GET / HTTP/1.0\r\n\r\n';

  it('arrives completely, however slowly its caller reads', async () => {
    bed = await ServerBed.start(answerLarge);
    const caller = new SlowCaller(ofHttp10);
    await sleep(2_500);
    caller.socket.resume();
    await until(() => expect(caller.end).toBe('whole'));
    expect(caller.bytes).toBeGreaterThan(large.length);
  });

  it('arrives completely at a caller that has ended its own side', async () => {
    bed = await ServerBed.start(answerLarge);
    const caller = new SlowCaller(ofHttp10);
    await until(() => expect(bed.latest.answer.writableEnded).toBe(true));
    caller.socket.end();
    await sleep(200);
    caller.socket.resume();
    await until(() => expect(caller.end).toBe('whole'));
    expect(caller.bytes).toBeGreaterThan(large.length);
  });

  it('never looks complete if it timed out, because a closed connection would end it', async () => {
    bed = await ServerBed.start(answerLarge, { stalledMs: 2_000 });
    const caller = new SlowCaller(ofHttp10);
    await until(() => expect(bed.connections.size).toBe(1));
    await until(() => expect(bed.connections.size).toBe(0));
    caller.socket.resume();
    await until(() => expect(caller.end).toBe('reset'));
  });

  it('never looks complete to a caller that ends its own side too early', async () => {
    bed = await ServerBed.start(({ answer }) => {
      answer.writeHead(200, []);
      answer.write(Buffer.from('part'));
    });
    const caller = new SlowCaller(ofHttp10);
    await until(() => expect(bed.requests.length).toBe(1));
    caller.socket.resume().end();
    await until(() => expect(caller.end).toBe('reset'));
  });

  it('is the last one, even if it was sent while its request was still arriving', async () => {
    bed = await ServerBed.start(({ body, answer }) => {
      body.once('data', () => {
        answer.writeHead(200, ['content-length', '0', 'connection', 'close']);
        answer.end();
      });
    });
    const caller = bed.call().say('POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\n');
    await until(() => expect(bed.requests.length).toBe(1));
    caller.say('abcGET /b HTTP/1.1\r\n\r\n');
    await until(() => expect(caller.closed).toBe(true));
    expect(caller.statuses).toEqual([200]);
    expect(bed.requests.map(({ raw }) => raw.url)).toEqual(['/a']);
  });
});
