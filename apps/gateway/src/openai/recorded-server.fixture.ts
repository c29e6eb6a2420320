import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

type Piece = string | null;

export interface RecordedAnswer {
  status?: number;
  headers?: Record<string, string>;
  /** Sent one by one. A promise is awaited, and null breaks the connection. */
  pieces: readonly (Piece | Promise<Piece>)[];
}

export interface RecordedRequest {
  url: string;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

/** A model server with a canned answer to every request. It records the requests. */
export class RecordedServer {
  readonly seen: RecordedRequest[] = [];
  url = '';
  answer: RecordedAnswer = { pieces: [] };
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => void this.#receive(request, response));
  }

  static async start(): Promise<RecordedServer> {
    const server = new RecordedServer();
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    const address = server.#server.address();
    server.url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
    return server;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  json(body: unknown, status = 200, headers: Record<string, string> = {}): void {
    const pieces = [typeof body === 'string' ? body : JSON.stringify(body)];
    this.answer = { status, headers: { 'content-type': 'application/json', ...headers }, pieces };
  }

  events(pieces: RecordedAnswer['pieces']): void {
    this.answer = { headers: { 'content-type': 'text/event-stream; charset=utf-8' }, pieces };
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status = 200, headers, pieces } = this.answer;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    this.seen.push({ url: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) });
    response.writeHead(status, headers);
    for (const piece of pieces) {
      const text = await piece;
      if (text === null) return void response.destroy();
      response.write(text);
    }
    response.end();
  }
}
