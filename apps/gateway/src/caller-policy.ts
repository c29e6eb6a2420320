import type { RawRequest } from '@modelgate/protocols';
import { strictTransportSecurity } from '@modelgate/nest';
import type { Cors } from './cors.ts';
import type { Inbound } from './inbound.ts';

/** How callers may come, whoever they are: over HTTPS, and from which web pages. */
export class CallerPolicy {
  readonly #cors: Cors;
  readonly #https: boolean;

  /** @param https whether callers come by HTTPS, to the listener itself or to a trusted proxy in front of it */
  constructor({ cors, https }: { cors: Cors; https: boolean }) {
    this.#cors = cors;
    this.#https = https;
  }

  /** What goes with the answer whatever it is; undefined where that is nothing. */
  fields(raw: RawRequest): Record<string, string> | undefined {
    if (!this.#cors.enabled && !this.#https) return undefined;
    return {
      ...this.#ofTransport(),
      ...(this.#cors.enabled && this.#cors.fields(headerOf(raw, 'origin'))),
    };
  }

  /** Whether the proxy in front says that its caller came in the clear. */
  isPlain(raw: RawRequest): boolean {
    const scheme = this.#https ? headerOf(raw, 'x-forwarded-proto') : undefined;
    return scheme !== undefined && scheme.toLowerCase() !== 'https';
  }

  /**
   * A preflight carries no token by design (Fetch Standard §3.3.5), and never reaches a model.
   *
   * @returns whether it was one and has been answered
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

/** The first header of a name. Node makes an object of all headers when asked for one; most requests have no use for it. */
export function headerOf({ rawHeaders }: RawRequest, wanted: string): string | undefined {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (name.length === wanted.length && name.toLowerCase() === wanted) return rawHeaders[index + 1];
  }
  return undefined;
}
