import type { DenialReason } from '@modelgate/protocols';
import { ForwardedAnswer } from './forwarded-answer.ts';

/** Longer than any list of models. */
const maxListBytes = 1024 * 1024;

/** Statuses that mean: no list, no list yet, or ask in another way. */
const instead: Readonly<Partial<Record<number, DenialReason>>> = {
  400: 'upstream_refused',
  404: 'unknown_route',
  405: 'unknown_route',
  422: 'upstream_refused',
  429: 'upstream_busy',
  501: 'unknown_route',
  503: 'upstream_busy',
};

/** An answer that is read whole before it is sent, because part of it may be hidden from the caller. */
export class ListAnswer extends ForwardedAnswer {
  #headers: string[] = [];
  readonly #chunks: Buffer[] = [];
  #length = 0;

  protected override begin(headers: string[]): void {
    this.#headers = headers;
  }

  override onBody(chunk: Buffer): boolean {
    this.#length += chunk.length;
    if (this.#length > maxListBytes) {
      this.refuse('upstream_answer');
      return true;
    }
    this.#chunks.push(chunk);
    return true;
  }

  override onEnd(): void {
    const body = this.status === 200 ? this.hooks.filter?.(Buffer.concat(this.#chunks)) : undefined;
    // A body that is not a list is not passed on, because its text may name hidden models.
    if (body === undefined) return this.refuse(instead[this.status] ?? 'upstream_answer');
    const kept = this.#headers.filter((_, index) => !isLength(this.#headers[index - (index % 2)]));
    const headers = [...kept, 'content-length', String(Buffer.byteLength(body)), ...this.hooks.extraHeaders];
    this.response.writeHead(this.status, headers);
    this.response.end(body);
    super.onEnd();
  }
}

function isLength(name: string | undefined): boolean {
  return name === 'content-length';
}
