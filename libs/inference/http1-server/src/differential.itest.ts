import fc from 'fast-check';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { Http1Request } from './http1-request.ts';
import { ServerBed } from './http1-server.fixture.ts';

/** One request as read by a server. */
interface Reading {
  method: string | undefined;
  url: string | undefined;
  rawHeaders: readonly string[];
  body: string;
}

let bed: ServerBed;
let node: Server;
const ours: Reading[] = [];
const theirs: Reading[] = [];

beforeAll(async () => {
  bed = await ServerBed.start((request) => void answerOurs(request));
  node = createServer({ requireHostHeader: false }, (request, response) => {
    void read(theirs, request, request).then(() => response.end());
  });
  await once(node.listen(0, '127.0.0.1'), 'listening');
});

afterAll(async () => {
  await bed.stop();
  node.closeAllConnections();
  await new Promise((resolve) => node.close(resolve));
});

async function answerOurs({ raw, body, answer }: Http1Request): Promise<void> {
  await read(ours, raw, body);
  if (answer.destroyed) return;
  answer.writeHead(200, ['content-length', '0']);
  answer.end();
}

/** Records a request once its body has ended. A request that breaks off is not recorded. */
async function read(
  into: Reading[],
  { method, url, rawHeaders }: Pick<IncomingMessage, 'method' | 'url' | 'rawHeaders'>,
  body: AsyncIterable<unknown>,
): Promise<void> {
  const reading: Reading = { method, url, rawHeaders, body: '' };
  into.push(reading);
  try {
    for await (const piece of body) reading.body += String(piece);
  } catch {
    into.splice(into.indexOf(reading), 1);
  }
}

function say(port: number, text: string): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.resume();
  socket.write(text, 'latin1');
  return socket;
}

/** Waits until no more output arrives. Input that looks like the start of a request makes the server wait. */
async function answered(socket: Socket): Promise<void> {
  socket.setTimeout(40, () => socket.destroy());
  await once(socket, 'close');
}

const odd = fc.constantFrom(
  '\r',
  '\n',
  '\r\n',
  ' ',
  '\t',
  ':',
  ';',
  ',',
  '\0',
  '\x0b',
  '\x7f',
  '\xff',
  '0',
  '1',
  'A',
  '"',
  '{}',
);
const field = fc.constantFrom(
  'Host: a',
  'Content-Length: 2',
  'content-length:0',
  'Content-Length: 5',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip',
  'Connection: close',
  'Connection: keep-alive',
  'X: y',
  'X-Latin: \xe9',
);
const body = fc.constantFrom(
  '',
  '{}',
  'hello',
  '2\r\n{}\r\n0\r\n\r\n',
  '0\r\n\r\n',
  '1;a=b\r\n{\r\n1\r\n}\r\n0\r\nT: u\r\n\r\n',
);
const request = fc
  .tuple(
    fc.constantFrom('GET', 'POST'),
    fc.constantFrom('/', '/a', '*'),
    fc.constantFrom('1.1', '1.0'),
    fc.array(field, { maxLength: 4 }),
    body,
  )
  .map(
    ([method, url, version, fields, text]) =>
      `${method} ${url} HTTP/${version}\r\n${fields.map((line) => `${line}\r\n`).join('')}\r\n${text}`,
  );
/** Pipelined requests with random faults inserted. */
const sent = fc
  .tuple(
    fc.array(request, { minLength: 1, maxLength: 3 }),
    fc.array(fc.tuple(fc.nat(), odd, fc.boolean()), { maxLength: 2 }),
  )
  .map(([requests, changes]) =>
    changes.reduce((text, [place, what, replaces]) => {
      const at = place % (text.length + 1);
      return text.slice(0, at) + what + text.slice(at + (replaces ? 1 : 0));
    }, requests.join('')),
  );

/** The meaning of the target is for the application to judge; Node refuses some targets immediately. */
const originForm = /^(?:\/[\x21-\x7e]*|\*)$/;

/** Up to the point where neither server reads any further. */
async function quiet(): Promise<void> {
  const open = (): Promise<number> =>
    new Promise((resolve, reject) => node.getConnections((error, count) => (error ? reject(error) : resolve(count))));
  while (bed.connections.size + (await open()) > 0) await setImmediate();
}

it('the server reads no request that Node’s parser does not read in the same way', async () => {
  let inAll = 0;
  await fc.assert(
    fc.asyncProperty(sent, async (text) => {
      ours.length = 0;
      theirs.length = 0;
      const sockets = [say(bed.port, text), say((node.address() as AddressInfo).port, text)] as const;
      await answered(sockets[0]);
      const strange = ours.findIndex(({ url }) => !originForm.test(url ?? ''));
      const read = strange < 0 ? [...ours] : ours.slice(0, strange);
      await vi.waitFor(() => expect(theirs.slice(0, read.length)).toEqual(read), { timeout: 20_000, interval: 2 });
      sockets[1].destroy();
      await quiet();
      inAll += read.length;
    }),
    { numRuns: 500 },
  );
  expect(inAll).toBeGreaterThan(100);
}, 300_000);
