import { connect, type Socket } from 'node:net';

/** Types and flags of frames (RFC 9113 §6). */
export const frameType = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  window: 8,
  more: 9,
};
export const endStream = 0x1;
export const endHeaders = 0x4;

/** One frame (RFC 9113 §4.1). */
export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** An integer with an n-bit prefix (RFC 7541 §5.1); `first` holds the bits before it. */
function integer(first: number, bits: number, value: number): number[] {
  const limit = 2 ** bits - 1;
  if (value < limit) return [first | value];
  const bytes = [first | limit];
  for (value -= limit; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return [...bytes, value];
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  return Buffer.concat([Buffer.from(integer(0, 7, bytes.length)), bytes]);
}

/** A header field without indexing (RFC 7541 §6.2.2), or with indexing (§6.2.1). */
export function field(name: string, value: string, { indexed = false } = {}): Buffer {
  return Buffer.concat([Buffer.from([indexed ? 0x40 : 0]), text(name), text(value)]);
}

/** An indexed header field (RFC 7541 §6.1). */
export function reference(index: number): Buffer {
  return Buffer.from(integer(0x80, 7, index));
}

/** A connection that can send any frames. */
export class RawHttp2 {
  readonly socket: Socket;
  received = 0;
  closed = false;
  readonly ended: Promise<void>;
  #buffer: Buffer = Buffer.alloc(0);
  readonly #onFrame: (type: number, flags: number, payload: Buffer) => void;

  constructor(url: URL, onFrame: (type: number, flags: number, payload: Buffer) => void = () => undefined) {
    this.#onFrame = onFrame;
    this.socket = connect(Number(url.port), url.hostname);
    this.socket.on('error', () => undefined);
    this.socket.on('data', (bytes: Buffer) => this.#read(bytes));
    this.ended = new Promise((resolve) =>
      this.socket.on('close', () => {
        this.closed = true;
        resolve();
      }),
    );
    this.socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    void this.send(frame(frameType.settings, 0, 0));
  }

  /** Resolves once there is room for more, or the peer has closed the connection. */
  async send(...frames: Buffer[]): Promise<void> {
    if (this.closed) return;
    if (this.socket.write(Buffer.concat(frames))) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(limit);
        this.socket.off('drain', done);
        this.socket.off('close', done);
        resolve();
      };
      // The peer does not wait for a client that floods without reading.
      const limit = setTimeout(done, 3_000);
      this.socket.on('drain', done);
      this.socket.on('close', done);
    });
  }

  #read(bytes: Buffer): void {
    this.received += bytes.length;
    this.#buffer = Buffer.concat([this.#buffer, bytes]);
    while (this.#buffer.length >= 9) {
      const length = 9 + this.#buffer.readUIntBE(0, 3);
      if (this.#buffer.length < length) return;
      this.#onFrame(this.#buffer.readUInt8(3), this.#buffer.readUInt8(4), this.#buffer.subarray(9, length));
      this.#buffer = this.#buffer.subarray(length);
    }
  }
}
