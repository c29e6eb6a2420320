import type { Server, Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';

/** The start of the HTTP/2 connection preface (RFC 9113 §3.4). No HTTP/1.1 method starts like this. */
const preface = Buffer.from('PRI');

/** The handlers for each version of HTTP. */
export interface HttpVersions {
  toHttp1: (socket: Socket) => void;
  toHttp2: (socket: Socket) => void;
}

/**
 * Serves two versions of HTTP on one listener. Over TLS, the client selects the version in the handshake (ALPN). In
 * cleartext, the first bytes tell the version (prior knowledge), as with gRPC clients in a cluster.
 *
 * @param server in cleartext, or a TLS server that offers `h2`
 * @param silentMs closes a cleartext connection that is silent for longer
 */
export function acceptBoth(server: Server | TlsServer, versions: HttpVersions, silentMs: number): SilentConnections {
  const { toHttp1, toHttp2 } = versions;
  const silent = new SilentConnections();
  if (server instanceof TlsServer) {
    server.on('secureConnection', (socket) => (socket.alpnProtocol === 'h2' ? toHttp2 : toHttp1)(socket));
  } else {
    server.on('connection', (socket) => {
      silent.add(socket);
      const known = (to: HttpVersions['toHttp1']) => (): void => {
        silent.delete(socket);
        to(socket);
      };
      void new FirstBytes(socket, { toHttp1: known(toHttp1), toHttp2: known(toHttp2), limitMs: silentMs });
    });
  }
  return silent;
}

/** Cleartext connections whose version is unknown so far. */
export class SilentConnections {
  readonly #since = new Map<Socket, number>();

  add(socket: Socket): void {
    this.#since.set(socket, performance.now());
    socket.once('close', () => this.delete(socket));
  }

  delete(socket: Socket): void {
    this.#since.delete(socket);
  }

  /** Closes the connections that have been silent for this many milliseconds. */
  close(forMs: number): void {
    const now = performance.now();
    for (const [socket, since] of this.#since) if (now - since >= forMs) socket.destroy();
  }
}

interface FirstBytesOptions extends HttpVersions {
  /** Silent connections are closed after the timeout. */
  limitMs: number;
}

/** Waits for enough bytes to tell the versions apart, then unreads them. */
class FirstBytes {
  readonly #socket: Socket;
  readonly #options: FirstBytesOptions;
  #held: Buffer = Buffer.alloc(0);
  readonly #onReadable = (): void => this.#look();
  readonly #onEnd = (): void => void this.#socket.destroy();

  constructor(socket: Socket, options: FirstBytesOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on('readable', this.#onReadable);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onEnd);
    socket.setTimeout(options.limitMs, this.#onEnd);
  }

  #look(): void {
    const bytes: unknown = this.#socket.read();
    if (!Buffer.isBuffer(bytes)) return;
    this.#held = Buffer.concat([this.#held, bytes]);
    const known = Math.min(this.#held.length, preface.length);
    const isPreface = this.#held.subarray(0, known).equals(preface.subarray(0, known));
    if (isPreface && known < preface.length) return;
    this.#handOver(isPreface ? this.#options.toHttp2 : this.#options.toHttp1);
  }

  #handOver(to: (socket: Socket) => void): void {
    this.#socket.setTimeout(0, this.#onEnd);
    this.#socket.off('readable', this.#onReadable);
    this.#socket.off('end', this.#onEnd);
    this.#socket.off('error', this.#onEnd);
    this.#socket.unshift(this.#held);
    to(this.#socket);
  }
}
