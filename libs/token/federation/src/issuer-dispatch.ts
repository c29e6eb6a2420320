import type { Clock } from '@modelgate/core';
import { SubjectTokenVerifier, type Subject } from '@modelgate/issuance';
import { JwsError, parseCompactJws, type CompactJws } from '@modelgate/jwt';
import { maxSubjectTokenLength, type TokenType } from '@modelgate/oauth';
import type { TrustedIssuer } from '@modelgate/policy';
import { hash } from 'node:crypto';
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
 * verified token must name the same. What was verified is remembered by the SHA-256 of the token until its `exp`.
 */
export class IssuerDispatch extends SubjectTokenVerifier {
  readonly #issuers: ReadonlyMap<string, JwtIssuer>;
  readonly #clock: Clock;
  readonly #cacheSize: number;
  readonly #verified = new Map<string, Remembered>();

  constructor(issuers: readonly TrustedIssuer[], options: IssuerDispatchOptions) {
    super();
    this.#clock = options.clock;
    this.#cacheSize = options.cacheSize ?? 10_000;
    this.#issuers = new Map(issuers.map((issuer) => [issuer.issuer, jwtIssuer(issuer, options)]));
  }

  /** Fetches every issuer's keys; those that cannot be had are fetched again in the background. Never rejects. */
  async start(): Promise<void> {
    await Promise.allSettled([...this.#issuers.values()].map((issuer) => issuer.start()));
  }

  stop(): void {
    for (const issuer of this.#issuers.values()) issuer.stop();
  }

  /** Ids of the issuers whose keys are not there. */
  unready(): string[] {
    return [...this.#issuers.values()].filter((issuer) => !issuer.ready()).map(({ issuer }) => issuer.id);
  }

  override async verify(token: string, _type: TokenType): Promise<Subject> {
    const digest = hash('sha256', token, 'base64url');
    const known = this.#verified.get(digest);
    if (known && this.#stillHolds(known)) return known.token.subject;
    this.#verified.delete(digest);
    const jws = parse(token);
    const iss = jws.payload['iss'];
    const issuer = typeof iss === 'string' ? this.#issuers.get(iss) : undefined;
    if (!issuer) throw subjectRejected('the issuer is not trusted');
    const verified = await issuer.verify(jws);
    this.#remember(digest, { token: verified, issuer });
    return verified.subject;
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

function jwtIssuer(issuer: TrustedIssuer, options: JwtIssuerOptions): JwtIssuer {
  switch (issuer.kind) {
    case 'keycloak':
      return new KeycloakIssuer(issuer, options);
    case 'oidc':
      return new OidcIssuer(issuer, options);
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
