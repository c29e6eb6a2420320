import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

export const loopback = '127.0.0.1';

/**
 * A port nobody listens on at this moment.
 *
 * @param wanted 0 or absent: any
 * @throws Error naming the port, where the wanted one is taken
 */
export async function loopbackPort(wanted = 0): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      reject(
        taken ? new Error(`port ${wanted} on ${loopback} is taken by another process; stop that one first`) : error,
      );
    });
    server.listen(wanted, loopback, () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/**
 * A port for a server that will be killed and come back to it: one that the system gives to nobody who does not name it, so
 * that no connection has it in the meantime.
 */
export async function lastingLoopbackPort(): Promise<number> {
  for (;;) {
    const port = randomInt(15_000, 30_000);
    const free = await loopbackPort(port).catch(() => undefined);
    if (free !== undefined) return free;
  }
}

/**
 * Starts again, with other ports, a server that found the port it was given taken in the meantime: between the look for
 * a free one and its own bind there is a gap that nothing closes.
 */
export async function startOnFreePort<T>(start: () => Promise<T>, attempts = 3): Promise<T> {
  try {
    return await start();
  } catch (error) {
    const lost =
      error instanceof Error && /address (?:is )?already in use|BindException|EADDRINUSE/i.test(error.message);
    if (!lost || attempts <= 1) throw error;
    return startOnFreePort(start, attempts - 1);
  }
}
