import type { RawRequest } from '@modelgate/protocols';
import { strictTransportSecurity } from '@modelgate/nest';
import type { Cors } from './cors.ts';
import type { Inbound } from './inbound.ts';

/** Rules that apply to every caller: HTTPS, and the web origins that may call. */
export class CallerPolicy {
  readonly #cors: Cors;
  readonly #https: boolean;

  /**
   *
   * @param https whether callers use HTTPS, to the listener itself or to a trusted proxy in front of it
   */
  constructor({ cors, https }: { cors: Cors; https: boolean }) {
    this.#cors = cors;
    this.#https = https;
  }

  /** Header fields of every answer; undefined if there are none. */
  fields(raw: RawRequest): Record<string, string> | undefined {
    if (!this.#cors.enabled && !this.#https) return undefined;
    return {
      ...this.#ofTransport(),
      ...(this.#cors.enabled && this.#cors.fields(headerOf(raw, 'origin'))),
    };
  }

  /** Whether the proxy reports that its caller used plain HTTP. */
  isPlain(raw: RawRequest): boolean {
    const scheme = this.#https ? headerOf(raw, 'x-forwarded-proto') : undefined;
    return scheme !== undefined && scheme.toLowerCase() !== 'https';
  }

  /**
   * Answers a preflight, which carries no token by design (Fetch Standard §3.3.5) and never reaches a model.
   *
   * @returns whether the request was a preflight and has been answered
   */
  answerPreflight({ raw, answer }: Inbound, requestId: string): boolean {
    if (!this.#cors.enabled || headerOf(raw, 'access-control-request-method') === undefined) return false;
    const origin = headerOf(raw, 'origin');
    if (origin === undefined) return false;
    const fields = { ...this.#cors.preflight(origin), ...this.#ofTransport(), 'x-request-id': requestId };
    answer.writeHead(204, Object.entries(fields).flat());
    answer.end();
    return true;
  }

  #ofTransport(): Record<string, string> {
    return this.#https ? { 'strict-transport-security': strictTransportSecurity } : {};
  }
}

/**
 * The first header with this name. Searches the raw headers, because Node would build an object of all headers, which
 * most requests do not need.
 */
export function headerOf({ rawHeaders }: RawRequest, wanted: string): string | undefined {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (name.length === wanted.length && name.toLowerCase() === wanted) return rawHeaders[index + 1];
  }
  return undefined;
}
