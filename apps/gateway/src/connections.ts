import type { Socket } from 'node:net';

/** The connections that are open, as the operating system has them: below TLS, which would close them in good order. */
export class Connections {
  readonly #open = new Map<string, Socket>();

  add(socket: Socket): void {
    const name = nameOf(socket);
    this.#open.set(name, socket);
    socket.once('close', () => this.#open.delete(name));
  }

  /**
   * So that its peer takes what it has had for no whole: HTTP/1.0 tells the end of an answer by the end of the connection
   * alone. `socket` may be what TLS has made of a connection.
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
