import type { ServerResponse } from 'node:http';

type Piece = string | null;

/** An answer that a test has laid down. */
export interface ToldAnswer {
  status?: number;
  headers?: Record<string, string>;
  /** Sent one by one; those that are promises are waited for, and null breaks the connection. */
  pieces: readonly (Piece | Promise<Piece>)[];
}

export async function sendTold({ status = 200, headers, pieces }: ToldAnswer, response: ServerResponse): Promise<void> {
  response.writeHead(status, headers);
  for (const piece of pieces) {
    const text = await piece;
    if (text === null) return void response.destroy();
    response.write(text);
  }
  response.end();
}
