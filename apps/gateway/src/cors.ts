/** The header fields for cross-origin calls from browsers (Fetch Standard, §3.3 CORS protocol). */
export type CorsFields = Readonly<Record<string, string>>;

const methods = 'GET, POST';
/**
 * Any request header is allowed: client libraries send their own (`x-stainless-os`, `anthropic-version`), and headers
 * that are not on the allowlist are never forwarded. The wildcard does not cover `authorization`, which must be named.
 */
const requestFields = 'authorization, *';
/** All answer headers may be exposed, because they come from an allowlist as well. */
const answerFields = '*';
const maxAgeSeconds = 600;

/**
 * The web origins whose scripts may read answers. Their calls carry a bearer token like any other. Cookies are never
 * accepted, so no answer has `access-control-allow-credentials`.
 */
export class Cors {
  readonly #origins: ReadonlySet<string>;

  /**
   *
   * @param origins serialised as browsers send them, such as `https://console.example.com`; if empty, no script may
   *   read answers
   */
  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins);
  }

  /** Whether any cross-origin call is allowed. If not, `origin` need not be read. */
  get enabled(): boolean {
    return this.#origins.size > 0;
  }

  /**
   * The header fields of every answer to a call from this origin. The answer varies by origin even if it is a refusal,
   * and caches must know that.
   */
  fields(origin: string | undefined): CorsFields {
    if (origin === undefined || !this.#origins.has(origin)) return { vary: 'origin' };
    return { vary: 'origin', 'access-control-allow-origin': origin, 'access-control-expose-headers': answerFields };
  }

  /** The answer to a preflight. It is the same for every path, so it reveals nothing about what is served there. */
  preflight(origin: string): CorsFields {
    const fields = this.fields(origin);
    if (!('access-control-allow-origin' in fields)) return fields;
    return {
      vary: 'origin, access-control-request-method, access-control-request-headers',
      'access-control-allow-origin': origin,
      'access-control-allow-methods': methods,
      'access-control-allow-headers': requestFields,
      'access-control-max-age': String(maxAgeSeconds),
    };
  }
}

/** A serialised origin (RFC 6454 §6.2) of http or https. */
export function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text && /^https?:/.test(text);
}
