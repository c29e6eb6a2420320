import type { Socket } from 'node:net';

/** The open sockets below TLS. Closing the TLS layer would end them gracefully. */
export class Connections {
  readonly #open = new Map<string, Socket>();

  add(socket: Socket): void {
    const name = nameOf(socket);
    this.#open.set(name, socket);
    socket.once('close', () => this.#open.delete(name));
  }

  /**
   * Resets a connection, so that the peer does not take an incomplete answer for complete: an HTTP/1.0 answer ends with
   * its connection. `socket` may be a TLS socket.
   */
  reset(socket: Socket): void {
    this.#open.get(nameOf(socket))?.resetAndDestroy();
  }

  resetAll(): void {
    for (const socket of this.#open.values()) socket.resetAndDestroy();
  }
}

function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
