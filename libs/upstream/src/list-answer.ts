import { ForwardedAnswer } from './forwarded-answer.ts';

/** No list of models is longer. */
const maxListBytes = 1024 * 1024;

/** An answer that is read whole before the caller sees any of it, because part of it may not be for the caller. */
export class ListAnswer extends ForwardedAnswer {
  #headers: string[] = [];
  readonly #chunks: Buffer[] = [];
  #length = 0;

  protected override begin(headers: string[]): boolean {
    this.#headers = headers;
    return true;
  }

  override onData(chunk: Buffer): boolean {
    this.#length += chunk.length;
    if (this.#length > maxListBytes) {
      this.refuse('upstream_answer');
      return false;
    }
    this.#chunks.push(chunk);
    return true;
  }

  override onComplete(): void {
    const whole = Buffer.concat(this.#chunks);
    // What is not a success is no list either; its text may name what the caller must not know.
    const body = this.status === 200 ? this.hooks.filter?.(whole) : undefined;
    if (body === undefined) return this.refuse('upstream_answer');
    const kept = this.#headers.filter((_, index) => !isLength(this.#headers[index - (index % 2)]));
    const headers = [...kept, 'content-length', String(Buffer.byteLength(body)), ...this.hooks.extraHeaders];
    this.response.writeHead(this.status, headers);
    this.response.end(body);
    super.onComplete();
  }
}

function isLength(name: string | undefined): boolean {
  return name === 'content-length';
}
