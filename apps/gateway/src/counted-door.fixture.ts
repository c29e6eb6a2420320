import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A TCP proxy in front of a server that counts connections. */
export class CountedDoor {
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(target: URL) {
    this.#server = createServer((caller) => this.#let(caller, connect(Number(target.port), target.hostname)));
  }

  /**
   *
   * @param target `http://host:port`
   */
  static async to(target: string): Promise<CountedDoor> {
    const door = new CountedDoor(new URL(target));
    await once(door.#server.listen(0, '127.0.0.1'), 'listening');
    return door;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #let(caller: Socket, server: Socket): void {
    this.connections++;
    for (const [from, to] of [
      [caller, server],
      [server, caller],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => this.#sockets.delete(from));
      from.pipe(to);
    }
  }
}
