/** Our own issuer URL. */
export class Issuer {
  readonly url: string;
  readonly #path: string;

  constructor(url: string) {
    this.url = url;
    const { pathname } = new URL(url);
    this.#path = pathname === '/' ? '' : pathname;
  }

  /**
   * What a request's target is routed as: without the issuer's path, wherever the specification at hand puts it. RFC 8414
   * §3.1 inserts it after the well-known part, OIDC appends the well-known part to it, and endpoints are under it.
   */
  route(target: string): string {
    if (this.#path === '') return target;
    const query = target.indexOf('?');
    const path = query < 0 ? target : target.slice(0, query);
    const rest = query < 0 ? '' : target.slice(query);
    if (path.startsWith(`${this.#path}/`)) return path.slice(this.#path.length) + rest;
    if (path.startsWith('/.well-known/') && path.endsWith(this.#path)) return path.slice(0, -this.#path.length) + rest;
    return target;
  }
}
