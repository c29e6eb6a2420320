import {
  constants,
  createSecureServer,
  createServer,
  type Http2Server,
  type SecureServerOptions,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';

/** A call as it reached the model server. */
export interface SeenCall {
  path: string;
  /** Name, value, name, value … */
  rawHeaders: readonly string[];
  /** Every message so far, without its prefix. */
  messages: Buffer[];
  /** The flags of their prefixes. */
  flags: number[];
  /** Whether the caller ended its side, so that nothing is missing. */
  ended: boolean;
  /** The code the caller reset the stream with; undefined where it did not. */
  reset: number | undefined;
}

/** How the server behaves from now on. */
export type GrpcBehaviour =
  /** Answers every message with itself, and the call with OK. */
  | 'echo'
  /** NOT_FOUND, as trailers alone. */
  | 'trailers-only'
  /** One message, then INTERNAL. */
  | 'late-status'
  /** Answers as soon as the call begins, whatever is still to come. */
  | 'early'
  | 'reset-before-answer'
  | 'reset-in-the-middle'
  | 'close-in-the-middle'
  /** Ends the stream without trailers. */
  | 'no-trailers'
  /** Trailers without a status. */
  | 'no-status'
  | 'http-503'
  | 'html'
  | 'silent'
  /** One message every 20 ms, without an end. */
  | 'trickle'
  /** As fast as it is read, without an end. */
  | 'flood'
  /** Says that the next stream was not processed (REFUSED_STREAM); echoes after that. */
  | 'refuse-once'
  /** Says goodbye before every answer, gracefully. */
  | 'goaway';

/** One message with its prefix. */
export function grpcMessage(content: Uint8Array, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(content.length, 1);
  return Buffer.concat([prefix, content]);
}

/** A model server that speaks gRPC on a real socket, and writes down everything that reached it. */
export class FakeGrpcServer {
  readonly seen: SeenCall[] = [];
  behaviour: GrpcBehaviour = 'echo';
  /** Instead of a message itself, what `echo` answers it with. */
  answer: ((path: string, message: Buffer) => Buffer) | undefined;
  url = '';
  /** Bytes written to answers so far. */
  written = 0;
  readonly #server: Http2Server;
  readonly #sessions = new Set<ServerHttp2Session>();

  private constructor(tls?: SecureServerOptions, maxConcurrentStreams = 100) {
    const settings = { maxConcurrentStreams };
    const server: Http2Server = tls ? createSecureServer({ ...tls, settings }) : createServer({ settings });
    this.#server = server;
    server.on('session', (session) => {
      this.#sessions.add(session);
      session.on('close', () => this.#sessions.delete(session));
    });
    server.on('sessionError', () => undefined);
    server.on('stream', (stream, headers, _flags, rawHeaders) =>
      this.#receive(stream, String(headers[':path']), rawHeaders),
    );
  }

  static async start(
    options: { tls?: SecureServerOptions; maxConcurrentStreams?: number } = {},
  ): Promise<FakeGrpcServer> {
    const server = new FakeGrpcServer(options.tls, options.maxConcurrentStreams);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    const address = server.#server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    server.url = `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`;
    return server;
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  /** Ends every connection at once. */
  drop(): void {
    for (const session of this.#sessions) session.socket.destroy();
  }

  async close(): Promise<void> {
    this.drop();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #receive(stream: ServerHttp2Stream, path: string, rawHeaders: readonly string[]): void {
    const call: SeenCall = { path, rawHeaders, messages: [], flags: [], ended: false, reset: undefined };
    this.seen.push(call);
    stream.on('error', () => undefined);
    stream.on('aborted', () => (call.reset = stream.rstCode));
    const messages = new Messages();
    stream.on('data', (bytes: Buffer) => {
      for (const { flag, content } of messages.take(bytes)) {
        call.flags.push(flag);
        call.messages.push(content);
        if (this.behaviour === 'echo') this.#echo(stream, path, content);
      }
    });
    stream.on('end', () => {
      call.ended = call.reset === undefined && !stream.aborted;
      if (call.ended) this.#finish(stream);
    });
    this.#begin(stream);
  }

  #echo(stream: ServerHttp2Stream, path: string, message: Buffer): void {
    if (!stream.headersSent) respond(stream);
    stream.write(grpcMessage(this.answer?.(path, message) ?? message));
  }

  /** What does not wait for the request. */
  #begin(stream: ServerHttp2Stream): void {
    const { behaviour } = this;
    if (behaviour === 'early') {
      respond(stream, '8', 'enough');
      return void stream.end();
    }
    if (behaviour !== 'refuse-once') return;
    this.behaviour = 'echo';
    stream.close(constants.NGHTTP2_REFUSED_STREAM);
  }

  #finish(stream: ServerHttp2Stream): void {
    endings[this.behaviour]?.(stream, this);
  }

  /** As fast as it is read. */
  flood(stream: ServerHttp2Stream): void {
    const message = grpcMessage(Buffer.alloc(64 * 1024, 1));
    const write = (): void => {
      while (!stream.destroyed) {
        this.written += message.length;
        if (!stream.write(message)) break;
      }
    };
    respond(stream);
    stream.on('drain', write);
    write();
  }
}

const grpc = { ':status': 200, 'content-type': 'application/grpc' };
/** A message with one string in its first field, as most answers of inference are. */
const halfMessage = Buffer.from('\n\u0004half');

/** What follows once the request is whole. */
const endings: Partial<Record<GrpcBehaviour, (stream: ServerHttp2Stream, server: FakeGrpcServer) => void>> = {
  echo: endWithStatus,
  goaway: (stream) => {
    stream.session?.goaway(constants.NGHTTP2_NO_ERROR);
    endWithStatus(stream);
  },
  trickle,
  flood: (stream, server) => server.flood(stream),
  'close-in-the-middle': (stream, server) => half(stream, () => setTimeout(() => server.drop(), 50)),
  'trailers-only': (stream) =>
    stream.respond({ ...grpc, 'grpc-status': '5', 'grpc-message': 'no%20such model' }, { endStream: true }),
  'late-status': (stream) => {
    respond(stream, '13', 'too late');
    stream.end(grpcMessage(halfMessage));
  },
  'reset-before-answer': (stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR),
  'reset-in-the-middle': (stream) => half(stream, () => stream.destroy(new Error('broken'))),
  'no-trailers': (stream) => {
    stream.respond(grpc);
    stream.end(grpcMessage(halfMessage));
  },
  'no-status': (stream) => {
    stream.respond(grpc, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-custom': 'y' }));
    stream.end(grpcMessage(halfMessage));
  },
  'http-503': (stream) => stream.respond({ ':status': 503, 'grpc-status': '0' }, { endStream: true }),
  html: (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'text/html' });
    stream.end('<html>');
  },
};

function endWithStatus(stream: ServerHttp2Stream): void {
  if (!stream.headersSent) respond(stream);
  stream.end();
}

/** Half of an answer, and then something else. */
function half(stream: ServerHttp2Stream, then: () => void): void {
  respond(stream);
  stream.write(grpcMessage(halfMessage), then);
}

function respond(stream: ServerHttp2Stream, status = '0', message?: string): void {
  const metadata = { 'grpc-accept-encoding': 'gzip', 'set-cookie': 'a=b', 'x-backend': 'secret' };
  stream.respond({ ...grpc, ...metadata }, { waitForTrailers: true });
  stream.on('wantTrailers', () =>
    stream.sendTrailers({ 'grpc-status': status, 'x-backend': 'secret', ...(message && { 'grpc-message': message }) }),
  );
}

function trickle(stream: ServerHttp2Stream): void {
  respond(stream);
  const timer = setInterval(() => stream.write(grpcMessage(Buffer.from('\n\u0001x'))), 20);
  stream.on('close', () => clearInterval(timer));
}

/** Puts messages together again. */
class Messages {
  #pieces: Buffer[] = [];
  #length = 0;
  /** Bytes with which there is something to look at. */
  #wanted = 5;

  take(bytes: Buffer): { flag: number; content: Buffer }[] {
    this.#pieces.push(bytes);
    this.#length += bytes.length;
    const whole: { flag: number; content: Buffer }[] = [];
    while (this.#length >= this.#wanted) {
      const unread = Buffer.concat(this.#pieces);
      const end = 5 + unread.readUInt32BE(1);
      const isWhole = unread.length >= end;
      if (isWhole) whole.push({ flag: unread[0] ?? 0, content: unread.subarray(5, end) });
      this.#pieces = [isWhole ? unread.subarray(end) : unread];
      this.#length = this.#pieces[0]?.length ?? 0;
      this.#wanted = isWhole ? 5 : end;
    }
    return whole;
  }
}
