import type { Clock } from '@modelgate/core';
import { SubjectTokenVerifier, type Subject } from '@modelgate/issuance';
import { JwsError, parseCompactJws, type CompactJws } from '@modelgate/jwt';
import { maxSubjectTokenLength, type TokenType } from '@modelgate/oauth';
import type { TrustedIssuer } from '@modelgate/policy';
import { hash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { JwtIssuer, JwtIssuerOptions, VerifiedToken } from './jwt-issuer.ts';
import { KeycloakIssuer } from './keycloak/keycloak-issuer.ts';
import { OidcIssuer } from './oidc/oidc-issuer.ts';
import { subjectRejected } from './subject-rejected.ts';

interface Remembered {
  token: VerifiedToken;
  issuer: JwtIssuer;
}

export interface IssuerDispatchOptions extends JwtIssuerOptions {
  /** Tokens remembered as verified; default 10 000. */
  cacheSize?: number;
}

/**
 * Verifies subject tokens by the issuer they name. The name is not believed: it chooses whose keys are tried, and the
 * verified token must name the same. What was verified is remembered by the SHA-256 of the token until its `exp`, and no
 * longer than its issuer is trusted by the same rules.
 */
export class IssuerDispatch extends SubjectTokenVerifier {
  readonly #options: IssuerDispatchOptions;
  /** By the URL that tokens name. */
  #issuers: ReadonlyMap<string, JwtIssuer> = new Map();
  #running = false;
  readonly #clock: Clock;
  readonly #cacheSize: number;
  readonly #verified = new Map<string, Remembered>();

  constructor(issuers: readonly TrustedIssuer[], options: IssuerDispatchOptions) {
    super();
    this.#clock = options.clock;
    this.#cacheSize = options.cacheSize ?? 10_000;
    this.#options = options;
    this.follow(issuers);
  }

  /**
   * Trusts these from now on, and nobody else. Who stays as before keeps keys and remembered tokens, and who has other rules
   * keeps the keys where they are fetched alike; a new one's keys are fetched at once where the others' are.
   */
  follow(issuers: readonly TrustedIssuer[]): void {
    const before = [...this.#issuers.values()];
    const now = issuers.map((issuer) => this.#successor(issuer, before));
    this.#issuers = new Map(now.map((one) => [one.issuer.issuer, one]));
    for (const [digest, { issuer }] of this.#verified) if (!this.#trusts(issuer)) this.#verified.delete(digest);
    for (const old of before) if (!now.some((one) => one.sharesKeysWith(old))) old.stop();
    if (!this.#running) return;
    for (const one of now) if (!before.some((old) => old.sharesKeysWith(one))) void one.start().catch(() => undefined);
  }

  #successor(issuer: TrustedIssuer, before: readonly JwtIssuer[]): JwtIssuer {
    const predecessor = before.find((old) => old.issuer.id === issuer.id);
    if (predecessor && isDeepStrictEqual(predecessor.issuer, issuer)) return predecessor;
    return jwtIssuer(issuer, this.#options, predecessor);
  }

  /** Fetches every issuer's keys; those that cannot be had are fetched again in the background. Never rejects. */
  async start(): Promise<void> {
    this.#running = true;
    await Promise.allSettled([...this.#issuers.values()].map((issuer) => issuer.start()));
  }

  stop(): void {
    this.#running = false;
    for (const issuer of this.#issuers.values()) issuer.stop();
  }

  /** Ids of the issuers whose keys are not there. */
  unready(): string[] {
    return [...this.#issuers.values()].filter((issuer) => !issuer.ready()).map(({ issuer }) => issuer.id);
  }

  /** How many are trusted. */
  get size(): number {
    return this.#issuers.size;
  }

  override async verify(token: string, _type: TokenType): Promise<Subject> {
    const digest = hash('sha256', token, 'base64url');
    const known = this.#verified.get(digest);
    if (known && this.#stillHolds(known)) return known.token.subject;
    this.#verified.delete(digest);
    return this.#verify(parse(token), digest);
  }

  /** While it waits for keys the issuer may be removed or changed; what the new rules say of the token is what counts. */
  async #verify(jws: CompactJws, digest: string): Promise<Subject> {
    const iss = jws.payload['iss'];
    const issuer = typeof iss === 'string' ? this.#issuers.get(iss) : undefined;
    if (!issuer) throw subjectRejected('the issuer is not trusted');
    const [result] = await Promise.allSettled([issuer.verify(jws)]);
    if (!this.#trusts(issuer)) return this.#verify(jws, digest);
    if (result.status === 'rejected') throw result.reason;
    this.#remember(digest, { token: result.value, issuer });
    return result.value.subject;
  }

  #trusts(issuer: JwtIssuer): boolean {
    return this.#issuers.get(issuer.issuer.issuer) === issuer;
  }

  #stillHolds({ token, issuer }: Remembered): boolean {
    return token.subject.expiresAt > this.#clock.seconds() && issuer.stillTrusts(token);
  }

  /** The oldest makes room: a token that is used again is verified again. Refusals are never kept. */
  #remember(digest: string, remembered: Remembered): void {
    if (this.#verified.size >= this.#cacheSize) this.#verified.delete(this.#verified.keys().next().value ?? '');
    this.#verified.set(digest, remembered);
  }
}

function jwtIssuer(issuer: TrustedIssuer, options: JwtIssuerOptions, predecessor?: JwtIssuer): JwtIssuer {
  switch (issuer.kind) {
    case 'keycloak':
      return new KeycloakIssuer(issuer, options, predecessor);
    case 'oidc':
      return new OidcIssuer(issuer, options, predecessor);
  }
}

function parse(token: string): CompactJws {
  try {
    return parseCompactJws(token, maxSubjectTokenLength);
  } catch (cause) {
    if (cause instanceof JwsError) throw subjectRejected(cause.reason, cause);
    throw cause;
  }
}
