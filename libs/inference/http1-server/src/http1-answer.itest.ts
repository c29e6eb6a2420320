import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Http1Answer } from './http1-answer.ts';
import { ServerBed, type Caller } from './http1-server.fixture.ts';

let bed: ServerBed;
afterEach(() => bed.stop());

async function answered(work: (answer: Http1Answer) => void, request = 'GET / HTTP/1.1\r\n\r\n'): Promise<Caller> {
  bed = await ServerBed.start(({ answer }) => work(answer));
  const caller = bed.call().say(request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
  await vi.waitFor(() => expect(caller.closed).toBe(true), { timeout: 30_000, interval: 10 });
  return caller;
}

function bodyOf({ received }: Caller): string {
  return received.slice(received.indexOf('\r\n\r\n') + 4);
}

describe('an answer', () => {
  it('states its length, its date and that it is the last', async () => {
    const caller = await answered((answer) => {
      answer.writeHead(200, ['content-type', 'text/plain', 'content-length', '5']);
      answer.end(Buffer.from('h\xe9llo'.slice(0, 5), 'latin1'));
    });
    expect(caller.received).toMatch(
      /^HTTP\/1\.1 200 OK\r\ncontent-type: text\/plain\r\ncontent-length: 5\r\ndate: \w{3}, [^\r]* GMT\r\nconnection: close\r\n\r\nh\xe9llo$/,
    );
  });

  it('is chunked if its length is unknown', async () => {
    const large = 'x'.repeat(20_000);
    const caller = await answered((answer) => {
      answer.writeHead(200, []);
      answer.flushHeaders();
      answer.write(Buffer.from('small'));
      answer.write(Buffer.alloc(0));
      answer.write(Buffer.from(large));
      answer.end('last');
    });
    expect(caller.received).toContain('transfer-encoding: chunked\r\n');
    expect(bodyOf(caller)).toBe(`5\r\nsmall\r\n4e20\r\n${large}\r\n4\r\nlast\r\n0\r\n\r\n`);
  });

  it('has a length if all of it is available', async () => {
    const caller = await answered((answer) => {
      answer.writeHead(200, []);
      answer.end('ü');
    });
    expect(caller.received).toContain('content-length: 2\r\n');
    expect(bodyOf(caller)).toBe('\xc3\xbc');
  });

  it.each([1, 16 * 1024, 16 * 1024 + 1, 300_000])('arrives completely with %i bytes', async (length) => {
    const caller = await answered((answer) => {
      answer.writeHead(200, ['content-length', String(length)]);
      answer.end(Buffer.alloc(length, 0xe9));
    });
    expect(bodyOf(caller)).toBe('\xe9'.repeat(length));
  });

  it.each([
    ['204', 'GET / HTTP/1.1\r\n\r\n', 204],
    ['304', 'GET / HTTP/1.1\r\n\r\n', 304],
    ['HEAD', 'HEAD / HTTP/1.1\r\n\r\n', 404],
  ])('has no body for %s', async (_what, request, status) => {
    const caller = await answered((answer) => {
      answer.writeHead(status, ['content-length', '5']);
      answer.end('hello');
    }, request);
    expect(caller.statuses).toEqual([status]);
    expect(bodyOf(caller)).toBe('');
    expect(caller.received.includes('content-length: 5')).toBe(status === 404);
  });

  it('to HTTP/1.0 ends with the connection if its length is unknown', async () => {
    const work = (answer: Http1Answer): void => {
      answer.writeHead(200, []);
      answer.write(Buffer.from('hel'));
      answer.end('lo');
    };
    const caller = await answered(work, 'GET / HTTP/1.0\r\n\r\n');
    expect(caller.received).not.toContain('transfer-encoding');
    expect(bodyOf(caller)).toBe('hello');
    expect(caller.error).toBeUndefined();
  });

  it('never looks complete if it is not', async () => {
    const short = await answered((answer) => {
      answer.writeHead(200, ['content-length', '9']);
      answer.end('hello');
    });
    expect(short.closed).toBe(true);
    await bed.stop();
    const long = await answered((answer) => {
      answer.writeHead(200, ['content-length', '3']);
      answer.end('hello');
    });
    expect(long.received).toBe('');
    await bed.stop();
    const chunked = await answered((answer) => {
      answer.writeHead(200, []);
      answer.write(Buffer.from('hello'));
      answer.destroy();
    });
    expect(chunked.received).not.toContain('\r\n0\r\n');
    await bed.stop();
    const untilClose = await answered((answer) => {
      answer.writeHead(200, []);
      answer.write(Buffer.from('hello'));
      setTimeout(() => answer.destroy(), 50);
    }, 'GET / HTTP/1.0\r\n\r\n');
    expect(untilClose.error?.code).toBe('ECONNRESET');
  });

  it.each(['a\r\nb: c', 'a\nb', 'a\0', 'a\u0100'])(
    'refuses a field value that would split its head: %j',
    async (value) => {
      const threw = vi.fn<() => void>();
      await answered((answer) => {
        try {
          answer.writeHead(200, ['x', value]);
        } catch {
          threw();
        }
        if (!answer.headersSent) answer.writeHead(500, ['content-length', '0']);
        answer.end();
      });
      expect(threw).toHaveBeenCalledOnce();
    },
  );
});
