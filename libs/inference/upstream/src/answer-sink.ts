/** The destination of an answer, for any version of HTTP. */
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
  /** Returns false if the caller reads too slowly; the next piece must wait for `drain`. */
  write(chunk: Buffer): boolean;
  end(chunk?: Buffer | string): unknown;
  /**
   * Breaks the answer off so that it cannot be taken for a complete one: resets the connection (HTTP/1.1) or the stream
   * (HTTP/2).
   */
  destroy(): unknown;
  on(event: 'close', listener: () => void): unknown;
  once(event: 'drain', listener: () => void): unknown;
}
