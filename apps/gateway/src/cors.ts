/** What a browser is told about a cross-origin call (Fetch Standard, §3.3 CORS protocol). */
export type CorsFields = Readonly<Record<string, string>>;

const methods = 'GET, POST';
/**
 * Any field: libraries send some of their own (`x-stainless-os`, `anthropic-version`), and what is not on the list of what is
 * forwarded is left out whoever sends it. The wildcard does not stand for `authorization`, which has to be named.
 */
const requestFields = 'authorization, *';
/** Whatever is answered is on a list as well. */
const answerFields = '*';
const maxAgeSeconds = 600;

/**
 * The origins whose scripts may read answers. Their calls carry a bearer token like any other: no cookie is ever accepted,
 * so that no answer says `access-control-allow-credentials`.
 */
export class Cors {
  readonly #origins: ReadonlySet<string>;

  /** @param origins serialised as browsers send them: `https://console.example.com`; with none, no script reads anything */
  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins);
  }

  /** Whether any cross-origin call is allowed; where none is, nobody needs to look for an `origin`. */
  get enabled(): boolean {
    return this.#origins.size > 0;
  }

  /**
   * The fields that go with every answer to a call of this origin. An answer depends on the origin even where it was
   * refused, and a cache has to know that.
   */
  fields(origin: string | undefined): CorsFields {
    if (origin === undefined || !this.#origins.has(origin)) return { vary: 'origin' };
    return { vary: 'origin', 'access-control-allow-origin': origin, 'access-control-expose-headers': answerFields };
  }

  /** The answer to a preflight: the same for every path, since it says nothing about what is served there. */
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
