/** Where an answer is written, whatever version of HTTP carries it. */
export interface AnswerSink {
  readonly headersSent: boolean;
  readonly destroyed: boolean;
  /** `end` has been called. */
  readonly writableEnded: boolean;
  /** Everything has been handed to the operating system. */
  readonly writableFinished: boolean;
  /** @param headers name, value, name, value … in lower case */
  writeHead(status: number, headers: string[]): unknown;
  /** Sends the head without waiting for the first piece of the body. */
  flushHeaders(): void;
  /** False where the caller reads too slowly: the next piece waits for `drain`. */
  write(chunk: Buffer): boolean;
  end(chunk?: Buffer | string): unknown;
  /** Breaks the answer off so that nobody takes it for a whole one: the connection (HTTP/1.1) or the stream (HTTP/2) is reset. */
  destroy(): unknown;
  on(event: 'close', listener: () => void): unknown;
  once(event: 'drain', listener: () => void): unknown;
}
