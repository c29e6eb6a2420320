import type { Server, Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';

/** How the connection preface of HTTP/2 begins (RFC 9113 §3.4); no method of HTTP/1.1 does. */
const preface = Buffer.from('PRI');

/** Where a connection goes once it is known what its client speaks. */
export interface HttpVersions {
  toHttp1: (socket: Socket) => void;
  toHttp2: (socket: Socket) => void;
}

/**
 * One listener for two versions: every connection goes to the version its client speaks. Over TLS the client says so in the
 * handshake (ALPN), in the clear by its first bytes (prior knowledge), as gRPC clients do in a cluster.
 *
 * @param server in the clear, or one of TLS that offers `h2`
 * @param silentMs a connection in the clear that stays silent for longer is closed
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

/** Connections in the clear that have not said yet what they speak. */
export class SilentConnections {
  readonly #since = new Map<Socket, number>();

  add(socket: Socket): void {
    this.#since.set(socket, performance.now());
    socket.once('close', () => this.delete(socket));
  }

  delete(socket: Socket): void {
    this.#since.delete(socket);
  }

  /** Closes those that have been silent for so many milliseconds. */
  close(forMs: number): void {
    const now = performance.now();
    for (const [socket, since] of this.#since) if (now - since >= forMs) socket.destroy();
  }
}

interface FirstBytesOptions extends HttpVersions {
  /** A connection that stays silent for longer is closed. */
  limitMs: number;
}

/** Waits for as many bytes as tell the versions apart, and gives them back unread. */
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
