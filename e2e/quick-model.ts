import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A model server that answers at once, for suites whose subject are the keys: the real one has its own. */
export async function startModel(): Promise<{ url: string; stop(): Promise<void> }> {
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const answer = (): void => void response.setHeader('content-type', 'application/json').end('{"predictions":[1,1]}');
    request.resume().on('end', answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
}
