import { once } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ServerBed } from './http1-server.fixture.ts';
import type { Http1Request } from './http1-request.ts';

let bed: ServerBed;
afterEach(() => bed.stop());

const limit = { timeout: 30_000, interval: 10 };
const until = (holds: () => void): Promise<void> => vi.waitFor(holds, limit);

function post(body: string, ...lines: string[]): string {
  return ['POST /a HTTP/1.1', 'Host: a', `Content-Length: ${body.length}`, ...lines, '', body].join('\r\n');
}

function ok({ answer, raw }: Http1Request): void {
  answer.writeHead(200, ['content-length', String(raw.url.length)]);
  answer.end(raw.url);
}

async function textOf(request: Http1Request): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request.body) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString('latin1');
}

function echo(request: Http1Request): void {
  void textOf(request).then((text) => request.answer.end(text));
  request.answer.writeHead(200, []);
}

describe('requests', () => {
  it('have their whole body at once if it arrived with the head, and always as a stream', async () => {
    bed = await ServerBed.start(echo);
    const caller = bed.call().say(post('{}'));
    await until(() => expect(caller.received).toMatch(/content-length: 2\r\n[^]*\r\n\r\n\{\}$/));
    expect(bed.requests[0]?.whole?.toString()).toBe('{}');
  });

  it('have their body as a stream if it arrives later, or in chunks', async () => {
    bed = await ServerBed.start(echo);
    const caller = bed.call().say('POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\nabc');
    await until(() => expect(bed.requests.length).toBe(1));
    expect(bed.requests[0]?.whole).toBeUndefined();
    caller.say('def');
    await until(() => expect(caller.received).toMatch(/\r\n\r\nabcdef$/));
    caller.say('POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nghi\r\n0\r\n\r\n');
    await until(() => expect(caller.received).toMatch(/\r\n\r\nghi$/));
  });

  it('are answered in order of arrival, for any split of the bytes', async () => {
    const waiting: Http1Request[] = [];
    bed = await ServerBed.start((request) => void waiting.push(request));
    const text = ['/1', '/2', '/3'].map((url) => post('{}').replace('/a', url)).join('');
    const caller = bed.call().say(...text.slice(0, 90).split(''), text.slice(90));
    for (const url of ['/1', '/2', '/3']) {
      await until(() => expect(waiting.at(-1)?.raw.url).toBe(url));
      ok(waiting.at(-1)!);
    }
    await until(() => expect(caller.statuses).toEqual([200, 200, 200]));
    expect(caller.received.match(/(?<=\r\n\r\n)\/\d/g)).toEqual(['/1', '/2', '/3']);
    expect(bed.requests.map(({ raw }) => raw.url)).toEqual(['/1', '/2', '/3']);
  });

  it('do not release the body of the previous request, even if both arrived in one read', async () => {
    const pieces: Buffer[] = [];
    bed = await ServerBed.start((request) => {
      if (request.whole) return ok(request);
      request.body.on('data', (piece: Buffer) => pieces.push(piece));
    });
    const first = `POST / HTTP/1.1\r\nContent-Length: 20000\r\n\r\n${'1'.repeat(20_000)}`;
    bed.call().say(`${first}POST / HTTP/1.1\r\nContent-Length: 200000\r\n\r\n${'2'.repeat(200_000)}`);
    const length = (): number => pieces.reduce((sum, piece) => sum + piece.length, 0);
    await until(() => expect(length()).toBe(200_000));
    const [whole, second] = [bed.requests[0]?.whole, bed.requests[1]];
    expect(pieces[0]?.buffer).toBe(whole?.buffer);
    for (const piece of pieces) second?.body.spent(piece);
    expect(whole?.toString()).toBe('1'.repeat(20_000));
    expect(pieces.some(({ buffer }) => (buffer as ArrayBuffer).detached)).toBe(true);
  });

  it('may follow an empty line', async () => {
    bed = await ServerBed.start(ok);
    const caller = bed.call().say(`\r\n${post('{}')}\r\n${post('{}')}`);
    await until(() => expect(caller.statuses).toEqual([200, 200]));
  });

  it('end with the first one whose end is unclear; later input is ignored', async () => {
    bed = await ServerBed.start(ok);
    const both = 'POST /a HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n';
    const caller = bed.call().say(`${both}GET /smuggled HTTP/1.1\r\n\r\n`);
    await until(() => expect(caller.closed).toBe(true));
    expect(caller.received).toContain('connection: close');
    expect(bed.requests.map(({ raw }) => raw.url)).toEqual(['/a']);
    expect(bed.requests[0]?.body.readableEnded).toBe(false);
  });

  it('receive 100 Continue only once their body is wanted', async () => {
    bed = await ServerBed.start((request) => {
      if (request.raw.url === '/a') request.sendContinue();
      echo(request);
    });
    const caller = bed.call().say('POST /a HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n');
    await until(() => expect(caller.received).toBe('HTTP/1.1 100 Continue\r\n\r\n'));
    caller.say('{}');
    await until(() => expect(caller.statuses).toEqual([100, 200]));
  });

  it('are read only as fast as their bodies are consumed', async () => {
    bed = await ServerBed.start(() => undefined);
    const caller = bed.call().say('POST / HTTP/1.1\r\nContent-Length: 100000000\r\n\r\n');
    const piece = Buffer.alloc(1_000_000, 97);
    for (let sent = 0; sent < 40; sent++) caller.say(piece);
    await until(() => expect(bed.requests.length).toBe(1));
    const { body } = bed.latest;
    await until(() => expect(body.readableLength).toBeGreaterThan(0));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(body.readableLength).toBeLessThan(1_000_000);
    body.resume();
    await until(() => expect(caller.socket.writableLength).toBe(0));
  });

  it('that break off close their body without an end, and destroy their answer', async () => {
    bed = await ServerBed.start(() => undefined);
    const caller = bed.call().say('POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\nabc');
    await until(() => expect(bed.requests.length).toBe(1));
    const { body, answer } = bed.latest;
    const ended = vi.fn<() => void>();
    const closed = vi.fn<() => void>();
    body.on('end', ended);
    answer.on('close', closed);
    body.resume();
    caller.socket.destroy();
    await once(body, 'close');
    await until(() => expect(closed).toHaveBeenCalledOnce());
    expect(ended).not.toHaveBeenCalled();
    expect(answer.writableFinished).toBe(false);
  });
});

describe('input that is not a request', () => {
  it.each([
    ['a malformed head', 'GET / HTTP/1.1\r\nHost : a\r\n\r\n', 400],
    ['a head without end', `GET / HTTP/1.1\r\nX: ${'a'.repeat(40_000)}`, 431],
    ['another version', 'GET / HTTP/1.2\r\n\r\n', 505],
    ['a body that is malformed', 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 400],
  ])('is refused and closes the connection: %s', async (_what, text, status) => {
    bed = await ServerBed.start(() => undefined);
    const caller = bed.call().say(text, post('{}'));
    await until(() => expect(caller.closed).toBe(true));
    expect(caller.statuses).toEqual([status]);
    expect(bed.requests.length).toBe(0);
  });

  it('breaks off an answer that has begun', async () => {
    bed = await ServerBed.start(({ answer }) => {
      answer.writeHead(200, []);
      answer.write(Buffer.from('part'));
    });
    const caller = bed.call().say('POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n');
    await until(() => expect(caller.received).toContain('part'));
    caller.say('zz\r\n');
    await until(() => expect(caller.closed).toBe(true));
    expect(caller.received).not.toContain('\r\n0\r\n');
  });
});

describe('slow callers', () => {
  it.each([
    ['say nothing', '', []],
    ['never end their head', 'GET / HTTP/1.1\r\n', [408]],
    ['never end their body', 'POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n{', [408]],
    ['say nothing after their answer', post('{}'), [200]],
  ])('are cut off when they %s', async (_what, text, statuses) => {
    const answerWhole = (request: Http1Request): void => {
      if (request.whole) ok(request);
    };
    bed = await ServerBed.start(answerWhole, { headMs: 1_500, requestMs: 2_000, idleMs: 1_500 });
    const caller = bed.call();
    if (text) caller.say(text);
    await until(() => expect(caller.closed).toBe(true));
    expect(caller.statuses).toEqual(statuses);
  });

  it('are not cut off while their answer takes long', async () => {
    bed = await ServerBed.start((request) => void setTimeout(() => ok(request), 4_000), {
      headMs: 1_500,
      requestMs: 1_500,
      idleMs: 1_500,
    });
    const caller = bed.call().say(post('{}'));
    await until(() => expect(caller.statuses).toEqual([200]));
  });

  it('get the next answer once they read again', async () => {
    bed = await ServerBed.start(() => undefined);
    const caller = bed.call().say(post('{}'));
    caller.socket.pause();
    await until(() => expect(bed.requests.length).toBe(1));
    const { answer } = bed.latest;
    const drained = vi.fn<() => void>();
    answer.writeHead(200, []);
    let written = 0;
    for (; answer.write(Buffer.alloc(100_000)) && written < 500; written++);
    expect(written).toBeLessThan(500);
    answer.once('drain', drained);
    caller.socket.resume();
    await until(() => expect(drained).toHaveBeenCalledOnce());
  });
});

describe('a connection', () => {
  it('is reused after a refusal once the rest of the request has arrived', async () => {
    bed = await ServerBed.start(ok);
    const caller = bed.call().say('POST /a HTTP/1.1\r\nContent-Length: 6\r\n\r\nabc');
    await until(() => expect(caller.statuses).toEqual([200]));
    caller.say('def', post('{}'));
    await until(() => expect(caller.statuses).toEqual([200, 200]));
    expect(bed.requests.map(({ raw }) => raw.method)).toEqual(['POST', 'POST']);
  });

  it('that closes is still read until the caller has the answer', async () => {
    bed = await ServerBed.start(({ answer }) => {
      answer.writeHead(413, ['content-length', '5', 'connection', 'close']);
      answer.end('large');
    });
    const caller = bed.call().say('POST / HTTP/1.1\r\nContent-Length: 20000000\r\n\r\n', Buffer.alloc(5_000_000));
    await until(() => expect(caller.closed).toBe(true));
    expect(caller.received).toMatch(/^HTTP\/1\.1 413 [^]*large$/);
  });

  it('is closed by closeIdle only if it is idle', async () => {
    bed = await ServerBed.start(({ raw, answer }) => {
      if (raw.url === '/a') answer.writeHead(200, ['content-length', '0']);
      if (raw.url === '/a') answer.end();
    });
    const idle = bed.call().say(post('{}'));
    const busy = bed.call().say(post('{}').replace('/a', '/slow'));
    await until(() => expect(idle.statuses).toEqual([200]));
    await until(() => expect(bed.requests.length).toBe(2));
    expect(bed.connections.size).toBe(2);
    bed.connections.closeIdle(0);
    await until(() => expect(idle.closed).toBe(true));
    expect(busy.closed).toBe(false);
    await until(() => expect(bed.connections.size).toBe(1));
  });

  it('of HTTP/1.0 carries one request', async () => {
    bed = await ServerBed.start(ok);
    const caller = bed.call().say('GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n');
    await until(() => expect(caller.closed).toBe(true));
    expect(caller.statuses).toEqual([200]);
  });
});
