import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { sendTold, type ToldAnswer } from './told-answer.ts';

/** A request as it reached the model server. */
export interface SeenRequest {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  rawHeaders: readonly string[];
  rawTrailers: readonly string[];
  body: Buffer;
  /** Whether it arrived whole. */
  complete: boolean;
}

/** How the server behaves from now on. */
export type Behaviour =
  /** Answers as KServe does; `:explain` sends every request header back, as KServe does too. */
  | 'serve'
  /** Says what it was told to, whatever it is asked. */
  | ToldAnswer
  /** Sends the request body back. */
  | 'echo'
  | 'reset-before-answer'
  | 'reset-in-the-middle'
  | 'redirect'
  | 'garbage'
  | 'silent'
  /** One piece every 20 ms, without an end. */
  | 'trickle'
  /** The same for three seconds, and then an end. */
  | 'trickle-for-a-while'
  /** Five pieces, then nothing more. */
  | 'trickle-then-silence'
  /** As fast as it is read, without an end. */
  | 'flood';

/** A model server on a real socket that writes down everything that reached it. */
export class FakeKServe {
  readonly seen: SeenRequest[] = [];
  behaviour: Behaviour = 'serve';
  url = '';
  /** Answers that were cut off by the other side. */
  aborted = 0;
  /** Bytes written to answers so far. */
  written = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor() {
    this.#server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => this.#receive(request, response));
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#sockets.size;
  }

  static async start(): Promise<FakeKServe> {
    const server = new FakeKServe();
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    const address = server.#server.address();
    server.url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
    return server;
  }

  /** Answers with this document from now on, whatever it is asked. */
  json(body: unknown, status = 200, headers: Record<string, string> = {}): void {
    const pieces = [typeof body === 'string' ? body : JSON.stringify(body)];
    this.behaviour = { status, headers: { 'content-type': 'application/json', ...headers }, pieces };
  }

  /** Answers with a stream of these pieces from now on. */
  events(pieces: ToldAnswer['pieces']): void {
    this.behaviour = { headers: { 'content-type': 'text/event-stream; charset=utf-8' }, pieces };
  }

  /** What has been written in all once nobody takes any more of it: bytes. */
  async writtenOnceStill(): Promise<number> {
    for (let before = -1; before !== this.written || before === 0;) {
      before = this.written;
      await sleep(500);
    }
    return this.written;
  }

  /** Resets every connection, whatever is on its way. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    const { method = '', url = '', headers, rawHeaders } = request;
    const seen: SeenRequest = {
      method,
      url,
      headers,
      rawHeaders,
      rawTrailers: [],
      body: Buffer.alloc(0),
      complete: false,
    };
    this.seen.push(seen);
    response.on('close', () => {
      if (!response.writableFinished) this.aborted++;
    });
    request.on('error', () => undefined);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      Object.assign(seen, { body: Buffer.concat(chunks), rawTrailers: request.rawTrailers, complete: true });
      const { behaviour } = this;
      if (typeof behaviour === 'object') void sendTold(behaviour, response);
      else this.#answer(behaviour, seen, request, response);
    });
  }

  #answer(
    behaviour: Exclude<Behaviour, ToldAnswer>,
    seen: SeenRequest,
    request: IncomingMessage,
    response: ServerResponse,
  ): void {
    const socket = request.socket;
    switch (behaviour) {
      case 'serve':
        return serve(seen, request, response);
      case 'echo':
        return void response.setHeader('content-type', 'application/octet-stream').end(seen.body);
      case 'reset-before-answer':
        return void socket.resetAndDestroy();
      case 'reset-in-the-middle':
        return resetInTheMiddle(response, socket);
      case 'redirect':
        return void response.writeHead(307, { location: 'http://evil.example/' }).end();
      case 'garbage':
        return void socket.end('this is no HTTP\r\n\r\n');
      case 'silent':
        return undefined;
      case 'trickle':
        return trickle(response);
      case 'trickle-for-a-while':
        return trickle(response, 150, () => response.end());
      case 'trickle-then-silence':
        return trickle(response, 5);
      case 'flood':
        return this.#flood(response);
    }
  }

  #flood(response: ServerResponse): void {
    const chunk = Buffer.alloc(64 * 1024, 1);
    const write = (): void => {
      while (!response.destroyed) {
        this.written += chunk.length;
        if (!response.write(chunk)) break;
      }
    };
    response.on('drain', write);
    response.writeHead(200, { 'content-type': 'application/octet-stream' });
    write();
  }
}

const listed = ['iris', 'digits', 'secret'];

/** Every protocol has a list of its own form. */
const lists: readonly [path: string, body: unknown][] = [
  ['/openai/v1/models', { object: 'list', data: listed.map((id) => ({ id, object: 'model', root: '/mnt/models' })) }],
  ['/v1/models', { models: listed }],
  ['/v2/models', { models: listed }],
  ['/v2/repository/index', listed.map((name) => ({ name, version: '1', state: 'READY', reason: '' }))],
  ['/v1/timeseries/models', listed],
];

function serve({ url }: SeenRequest, request: IncomingMessage, response: ServerResponse): void {
  const json = (body: unknown, more: Record<string, string> = {}): void => {
    for (const [name, value] of Object.entries(more)) response.setHeader(name, value);
    response.setHeader('server', 'uvicorn').setHeader('content-type', 'application/json').end(JSON.stringify(body));
  };
  const name = /models\/([^/:]+)/.exec(url)?.[1] ?? '';
  if (url.endsWith(':explain')) {
    const { host: _h, connection: _c, 'content-length': _l, 'transfer-encoding': _t, ...echoed } = request.headers;
    return json({ explanations: [] }, echoed as Record<string, string>);
  }
  if (url.endsWith(':predict')) return json({ predictions: [1] });
  if (url.endsWith('/infer')) return json({ model_name: name, outputs: [] });
  const list = lists.find(([path]) => url.endsWith(path));
  if (list) return json(list[1]);
  return json({ name, ready: true });
}

function resetInTheMiddle(response: ServerResponse, socket: Socket): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write('{"predictions":[', () => setTimeout(() => socket.resetAndDestroy(), 50));
}

function trickle(response: ServerResponse, pieces = Number.POSITIVE_INFINITY, afterwards?: () => void): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  let left = pieces;
  const timer = setInterval(() => {
    response.write('data: x\n\n');
    if (--left > 0) return;
    clearInterval(timer);
    afterwards?.();
  }, 20);
  response.on('close', () => clearInterval(timer));
}
