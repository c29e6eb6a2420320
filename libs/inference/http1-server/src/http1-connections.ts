import type { Socket } from 'node:net';
import type { KeepAlive } from './http1-answer.ts';
import { Http1Connection, type Http1Hooks } from './http1-connection.ts';
import type { Http1Timeouts } from './http1-phase.ts';

/** All HTTP/1.1 connections of a listener. */
export class Http1Connections {
  readonly #hooks: Http1Hooks;
  readonly #keepAlive: KeepAlive;
  readonly #connections = new Set<Http1Connection>();
  readonly #sweep: NodeJS.Timeout;

  constructor(hooks: Http1Hooks, timeouts: Http1Timeouts) {
    this.#hooks = hooks;
    // Less than the actual timeout, so that clients do not send on a connection that is about to close.
    const seconds = Math.max(1, Math.floor(timeouts.idleMs / 1000) - 1);
    this.#keepAlive = { fields: `connection: keep-alive\r\nkeep-alive: timeout=${seconds}\r\n`, over: false };
    const intervalMs = Math.min(1_000, timeouts.headMs, timeouts.requestMs, timeouts.idleMs, timeouts.stalledMs);
    this.#sweep = setInterval(() => this.#sweepAll(timeouts), intervalMs).unref();
  }

  get size(): number {
    return this.#connections.size;
  }

  accept(socket: Socket): void {
    const connection = new Http1Connection(socket, this.#hooks, this.#keepAlive);
    this.#connections.add(connection);
    socket.once('close', () => this.#connections.delete(connection));
  }

  /** From now on, every answer is the last one of its connection. */
  drain(): void {
    this.#keepAlive.over = true;
  }

  /** Closes the connections that have been idle for this many milliseconds. */
  closeIdle(forMs: number): void {
    const now = performance.now();
    for (const connection of this.#connections) if ((connection.idleFor(now) ?? -1) >= forMs) connection.destroy();
  }

  /** Stops the timeout checks. All connections are closed or about to be. */
  stop(): void {
    clearInterval(this.#sweep);
  }

  #sweepAll(timeouts: Http1Timeouts): void {
    const now = performance.now();
    for (const connection of this.#connections) connection.sweep(now, timeouts);
  }
}
