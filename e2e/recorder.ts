import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** One request as it reached the model server. */
export interface RecordedRequest {
  method: string;
  url: string;
  headers: Record<string, string>;
}

/**
 * Stands between the gateway and the real model server and writes down everything that comes through: a refused request has
 * been kept from the model exactly when it is not in here. `GET /recorded` on the control address has the list.
 */
export class Recorder {
  readonly #seen: RecordedRequest[] = [];
  readonly #servers: Server[] = [];
  readonly #upstream: string;

  constructor(upstream: string) {
    this.#upstream = upstream;
  }

  async start(): Promise<{ origin: string; control: string }> {
    const origin = await this.#listen((incoming, outgoing) => this.#forward(incoming, outgoing));
    const control = await this.#listen((_, outgoing) => void outgoing.end(JSON.stringify(this.#seen)));
    return { origin, control: `${control}/recorded` };
  }

  async stop(): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  #forward(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { method = '', url = '' } = incoming;
    this.#seen.push({ method, url, headers: incoming.headers as Record<string, string> });
    const { hostname, port } = new URL(this.#upstream);
    const forwarded = request({ hostname, port, method, path: url, headers: incoming.headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(outgoing);
    });
    forwarded.on('error', () => outgoing.destroy());
    incoming.pipe(forwarded);
  }

  #listen(handler: (incoming: IncomingMessage, outgoing: ServerResponse) => void): Promise<string> {
    const server = createServer({ keepAliveTimeout: 60_000 }, handler);
    this.#servers.push(server);
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        resolve(`http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`);
      });
    });
  }
}
