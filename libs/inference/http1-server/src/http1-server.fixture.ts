import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Http1Connections } from './http1-connections.ts';
import type { Http1Timeouts } from './http1-phase.ts';
import type { Http1Request } from './http1-request.ts';
import type { RequestMalformed } from './request-malformed.ts';

const patient: Http1Timeouts = { headMs: 30_000, requestMs: 30_000, idleMs: 30_000, stalledMs: 30_000 };

/** A server that passes its requests to `onRequest` and records what happened. */
export class ServerBed {
  readonly requests: Http1Request[] = [];
  readonly problems: RequestMalformed[] = [];
  readonly connections: Http1Connections;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  port = 0;

  private constructor(onRequest: (request: Http1Request) => void, timeouts: Partial<Http1Timeouts>) {
    this.connections = new Http1Connections(
      {
        onRequest: (request) => {
          this.requests.push(request);
          onRequest(request);
        },
        onMalformed: (problem, answer) => {
          this.problems.push(problem);
          if (answer.headersSent) return answer.destroy();
          answer.writeHead(problem.status, ['content-length', '0', 'connection', 'close']);
          answer.end();
        },
        reset: (socket) => void socket.resetAndDestroy(),
      },
      { ...patient, ...timeouts },
    );
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      this.connections.accept(socket);
    });
  }

  static async start(
    onRequest: (request: Http1Request) => void,
    timeouts: Partial<Http1Timeouts> = {},
  ): Promise<ServerBed> {
    const bed = new ServerBed(onRequest, timeouts);
    await once(bed.#server.listen(0, '127.0.0.1'), 'listening');
    bed.port = (bed.#server.address() as AddressInfo).port;
    return bed;
  }

  get latest(): Http1Request {
    const request = this.requests.at(-1);
    if (!request) throw new Error('no request has come');
    return request;
  }

  async stop(): Promise<void> {
    this.connections.stop();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  call(): Caller {
    return new Caller(connect(this.port, '127.0.0.1'));
  }
}

/** A client that sends exactly the given bytes and keeps the answer. */
export class Caller {
  readonly socket: Socket;
  received = '';
  closed = false;
  error: NodeJS.ErrnoException | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => (this.received += bytes.toString('latin1')));
    socket.on('error', (error) => (this.error = error));
    socket.on('close', () => (this.closed = true));
  }

  say(...text: (string | Buffer)[]): this {
    for (const part of text) this.socket.write(part, 'latin1');
    return this;
  }

  /** The statuses received so far. */
  get statuses(): number[] {
    return [...this.received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
  }
}
