import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * Several replicas behind one address, connection by connection in turn, as a Kubernetes Service does. A replica that
 * does not accept is passed over.
 */
export class RoundRobin {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #backends: { host: string; port: number }[] = [];
  #next = 0;

  constructor() {
    this.#server = createServer((client) => this.#accept(client));
  }

  listen(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', () => {
        const address = this.#server.address();
        resolve(typeof address === 'object' && address ? address.port : 0);
      });
    });
  }

  /** @param url origin of a replica */
  add(url: string): void {
    const { hostname, port } = new URL(url);
    this.#backends.push({ host: hostname, port: Number(port) });
  }

  remove(url: string): void {
    const { port } = new URL(url);
    const index = this.#backends.findIndex((backend) => backend.port === Number(port));
    if (index >= 0) this.#backends.splice(index, 1);
  }

  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #accept(client: Socket): void {
    this.#track(client);
    this.#dial(client, this.#backends.length);
  }

  #dial(client: Socket, tries: number): void {
    const backend = this.#backends[this.#next++ % Math.max(this.#backends.length, 1)];
    if (!backend || tries === 0) return void client.destroy();
    const upstream = connect({ ...backend, noDelay: true });
    this.#track(upstream);
    upstream.once('connect', () => {
      upstream.off('error', retry);
      upstream.on('error', () => client.destroy());
      client.on('error', () => upstream.destroy());
      client.pipe(upstream).pipe(client);
      client.on('close', () => upstream.destroy());
      upstream.on('close', () => client.destroy());
    });
    const retry = (): void => this.#dial(client, tries - 1);
    upstream.once('error', retry);
  }

  #track(socket: Socket): void {
    socket.setNoDelay(true);
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
