import { lastingLoopbackPort } from '@modelgate/real-parts';
import { createServer, connect, type Server, type Socket } from 'node:net';

/** A proxy to an API server that can be cut, and then is as silent as a network that dropped the connection. */
export class SeverableLine {
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port: number | undefined;

  /**
   *
   * @param target port on loopback
   */
  constructor(target: number) {
    this.#target = target;
  }

  get url(): string {
    return `https://127.0.0.1:${this.#port}`;
  }

  /** Opens the line again on the same port. */
  async join(): Promise<void> {
    const server = createServer((near) => {
      const far = connect(this.#target, '127.0.0.1');
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(one);
        one.pipe(other);
        one.on('error', () => other.destroy());
        one.on('close', () => this.#sockets.delete(one));
      }
    });
    this.#server = server;
    const port = (this.#port ??= await lastingLoopbackPort());
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  }

  async cut(): Promise<void> {
    const server = this.#server;
    const closed = new Promise((resolve) => server?.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
