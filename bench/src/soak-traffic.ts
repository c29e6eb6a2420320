import { SigningPair, type FakeIssuer } from '@modelgate/testing';
import { once } from 'node:events';
import { connect } from 'node:net';
import { load } from './load.ts';
import { v1Request, v2Request } from './scenarios.ts';
import { loadStreams } from './sse-load.ts';

/** How many requests of a kind were sent, and how many of them were not answered as they should be. */
export interface Sent {
  requests: number;
  wrong: number;
}

/** One kind of callers; `send` sends what they send in about a second. */
export interface Traffic {
  name: string;
  send(port: number): Promise<Sent>;
}

const chat = JSON.stringify({ model: 'iris-chat', messages: [{ role: 'user', content: 'go on' }], stream: true });
const eventsPerStream = 200;

/** Everything a gateway meets, at once. */
export function traffic(issuer: FakeIssuer): Traffic[] {
  const seen = Array.from({ length: 50 }, () => issuer.sign());
  const chatToken = issuer.signFor('fraud/iris-chat:generate');
  const listToken = issuer.signFor('fraud/iris:metadata');
  const v1 = (tokens: readonly string[]): string[] => tokens.map((token) => v1Request.headFor('fraud/iris', token));
  const ask = chatRequest(chatToken);
  const wrong = (): string => issuer.sign({ pair: new SigningPair(), header: { kid: issuer.pair.kid } });
  return [
    { name: 'V1, tokens seen before', send: (port) => some(port, v1(seen), { requests: 2_000, width: 8 }) },
    {
      name: 'V1, a new token each',
      send: (port) => some(port, v1(seen.map(() => issuer.sign())), { requests: 50, width: 2 }),
    },
    {
      name: 'V2, 100 KB',
      send: (port) =>
        some(port, [v2Request.headFor('fraud/iris', seen[0] ?? '')], { requests: 100, width: 4, body: v2Request.body }),
    },
    { name: 'lists of models', send: (port) => some(port, [listRequest(listToken)], { requests: 50, body: none }) },
    { name: '401, no good token', send: (port) => some(port, v1([wrong()]), { requests: 50, expect: 401 }) },
    { name: '403, another model', send: (port) => some(port, v1([chatToken]), { requests: 50, expect: 403 }) },
    // Such a request is the last of its connection.
    {
      name: '400, an odd path',
      send: (port) => some(port, [oddRequest()], { requests: 20, width: 20, expect: 400, body: none }),
    },
    { name: 'streams of 200 events', send: (port) => streams(port, ask) },
    { name: 'callers that go away in a stream', send: (port) => goAway(port, ask, 'stream') },
    { name: 'callers that go away in their request', send: (port) => goAway(port, ask.slice(0, -10), 'request') },
  ];
}

const none = Buffer.alloc(0);

interface SomeOptions {
  requests: number;
  width?: number;
  expect?: number;
  body?: Buffer;
}

async function some(port: number, heads: readonly string[], options: SomeOptions): Promise<Sent> {
  const { requests, width = 2, expect = 200, body = v1Request.body } = options;
  const plan = { port, heads, body: body.toString('base64'), tls: false, connections: width, requests };
  const { requests: done, errors } = await load({ ...plan, expect: `HTTP/1.1 ${expect} ` });
  return { requests, wrong: errors + requests - done };
}

async function streams(port: number, request: string): Promise<Sent> {
  const plan = { port, request, connections: 8, streams: 1, bytes: eventsPerStream * 160 };
  const { errors } = await loadStreams(plan);
  return { requests: 8, wrong: errors };
}

/** Ten callers that break off: once an answer has begun, or before their request is whole. */
async function goAway(port: number, request: string, when: 'stream' | 'request'): Promise<Sent> {
  const callers = Array.from({ length: 10 }, async () => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(request);
    await once(socket, when === 'stream' ? 'data' : 'connect');
    socket.destroy();
    await once(socket, 'close');
  });
  await Promise.all(callers);
  return { requests: callers.length, wrong: 0 };
}

function chatRequest(token: string): string {
  const path = '/openai/v1/chat/completions';
  return v1Request.headFor('fraud/iris-chat', token, { path, length: chat.length }) + chat;
}

function listRequest(token: string): string {
  return `GET /serving/fraud/iris/v1/models HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\n\r\n`;
}

function oddRequest(): string {
  return 'GET /serving/fraud/iris/v1/models/../boston HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n';
}
