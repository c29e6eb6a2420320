import { suiteCases, suitesMissing } from '@modelgate/testing';
import { once } from 'node:events';
import { request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Exchange } from './exchange.ts';
import { Origin } from './origin.ts';

interface Case {
  name: string;
  type: string;
  raw_b64: string;
  error_code: number;
  messages: number;
}

interface Outcome {
  ended: boolean;
  status: number;
  body: string;
}

/**
 * The most important cases, which always run: each answer is incomplete, or is followed by bytes that belong to no
 * request.
 */
const own: Case[] = [
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 4\r\n\r\nevil!',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nevil\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nevil',
  'HTTP/1.1 2000 OK\r\nContent-Length: 4\r\n\r\nevil',
  'evil\r\n\r\n',
].map((text) => ({
  name: text,
  type: 'response',
  raw_b64: Buffer.from(text, 'latin1').toString('base64'),
  error_code: 1,
  messages: 0,
}));

const theirs = (): Case[] => suiteCases<Case>('http-raw/llhttp.json').filter(({ type }) => type.startsWith('response'));

/** A model server that answers `/odd` with the given bytes, and everything else with `mine`. */
let odd = Buffer.alloc(0);
const server = createServer((socket) => {
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => {
    const isOdd = bytes.toString('latin1').startsWith('POST /odd');
    socket.write(isOdd ? odd : 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine');
    if (isOdd) setTimeout(() => socket.end(), 30);
  });
});
let origin: Origin;
let port: number;
beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  port = (server.address() as AddressInfo).port;
  origin = new Origin(`http://127.0.0.1:${port}`, {
    maxConnections: 1,
    maxQueued: 8,
    queueMs: 10_000,
    connectTimeoutMs: 10_000,
    firstByteMs: 10_000,
    idleMs: 10_000,
    stalledMs: 10_000,
    keepAliveMs: 4_000,
    random: () => 0,
  });
});
afterAll(() => {
  origin.close();
  server.close();
});

function send(path: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const outcome: Outcome = { ended: false, status: 0, body: '' };
    origin.dispatch(
      new Exchange(
        { method: 'POST', path, headers: ['host', 'm'], body: Buffer.from('{}') },
        {
          onHead: (status) => (outcome.status = status),
          onBody: (piece) => {
            outcome.body += piece.toString('latin1');
            return true;
          },
          onEnd: () => resolve({ ...outcome, ended: true }),
          onError: () => resolve(outcome),
        },
      ),
    );
  });
}

/** How Node, whose parser is llhttp, reads the same answer. */
function sendByNode(): Promise<Outcome> {
  return new Promise((resolve) => {
    const outcome: Outcome = { ended: false, status: 0, body: '' };
    const call = request({ port, host: '127.0.0.1', path: '/odd', method: 'POST', agent: false }, (answer) => {
      outcome.status = answer.statusCode ?? 0;
      answer.on('data', (piece: Buffer) => (outcome.body += piece.toString('latin1')));
      answer.on('error', () => resolve(outcome));
      answer.on('end', () => resolve({ ...outcome, ended: true }));
    });
    call.on('upgrade', () => resolve(outcome));
    call.on('error', () => resolve(outcome));
    call.end('{}');
  });
}

/** What is wrong with how an answer and the one after it were read. */
async function problems({ name, raw_b64, error_code, messages }: Case): Promise<string[]> {
  odd = Buffer.from(raw_b64, 'base64');
  const [taken, next] = [await send('/odd'), await send('/next')];
  const found: string[] = [];
  if (next.body !== 'mine') found.push(`${name}: the next request got ${JSON.stringify(next)}`);
  if (!taken.ended) return found;
  if (error_code !== 0 && messages === 0) found.push(`${name}: taken for a whole answer`);
  const node = await sendByNode();
  if (node.ended && node.body !== taken.body) found.push(`${name}: ${taken.body} is not ${node.body}`);
  return found;
}

describe('an odd answer of a model server', () => {
  it.each(own)('is refused, and never reaches the next request: $name', async (one) => {
    expect(await problems(one)).toEqual([]);
  });

  it('from llhttp’s tests is refused or read as Node reads it, never hangs, and never reaches the next request', async ({
    skip,
  }) => {
    skip(suitesMissing !== undefined, suitesMissing);
    const cases = theirs();
    const wrong: string[] = [];
    for (const one of cases) wrong.push(...(await problems(one)));
    expect(cases.length).toBeGreaterThanOrEqual(76);
    expect(wrong).toEqual([]);
  });
});
