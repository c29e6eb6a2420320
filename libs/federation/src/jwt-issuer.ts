import type { Subject } from '@modelgate/issuance';
import {
  JwksManager,
  JwksUnavailable,
  verifySignature,
  type CompactJws,
  type HttpGet,
  type JwksEvent,
} from '@modelgate/jwks';
import { OAuthError, type Clock } from '@modelgate/oauth';
import type { TrustedIssuer } from '@modelgate/policy';
import { checkRegisteredClaims, optionalObject, optionalText, type Claims } from './jwt-claims.ts';
import { subjectRejected } from './subject-rejected.ts';

export interface JwtIssuerOptions {
  clock: Clock;
  get?: HttpGet;
  onKeys?: (issuer: string, event: JwksEvent) => void;
}

/** What the kinds of issuers share: keys, signature, registered claims, authorized party. Each kind adds what its tokens say of themselves. */
export abstract class JwtIssuer {
  readonly issuer: TrustedIssuer;
  readonly #clock: Clock;
  readonly #keys: JwksManager;

  constructor(issuer: TrustedIssuer, { clock, get, onKeys }: JwtIssuerOptions) {
    this.issuer = issuer;
    this.#clock = clock;
    this.#keys = new JwksManager({
      url: issuer.jwksUri,
      algorithms: issuer.algorithms,
      clock,
      // Keycloak signs with a new key at once: whoever comes with it first waits for the next look at the JWKS.
      minRefetchSeconds: 1,
      maxWaiting: 200,
      ...(get && { get }),
      ...(onKeys && { onEvent: (event: JwksEvent) => onKeys(issuer.id, event) }),
    });
  }

  start(): Promise<void> {
    return this.#keys.start();
  }

  stop(): void {
    this.#keys.stop();
  }

  ready(): boolean {
    return this.#keys.ready();
  }

  /** Refuses what is no access token of this kind of issuer. @throws OAuthError */
  protected abstract checkKind(header: Claims, claims: Claims): void;

  /** @throws OAuthError */
  async verify(jws: CompactJws): Promise<Subject> {
    const { alg, kid, crit } = jws.header;
    if (crit !== undefined) throw subjectRejected('crit is not understood');
    if (typeof alg !== 'string' || !this.issuer.algorithms.includes(alg)) throw subjectRejected('alg is not accepted');
    if (typeof kid !== 'string' || kid === '' || kid.length > 256) throw subjectRejected('kid is missing');
    const key = await this.#keys.find(kid, alg).catch(unavailable);
    if (!key) throw subjectRejected('kid is unknown');
    if (!verifySignature(jws, alg, key)) throw subjectRejected('the signature is wrong');
    return this.#subject(jws);
  }

  /** Whether the key that verified `header` is still one of the issuer's. */
  stillTrusts({ alg, kid }: Claims): boolean {
    return typeof alg === 'string' && typeof kid === 'string' && this.#keys.peek(kid, alg) !== undefined;
  }

  #subject({ header, payload }: CompactJws): Subject {
    this.checkKind(header, payload);
    const expiresAt = checkRegisteredClaims(payload, this.issuer, this.#clock.seconds());
    const authorizedParty = optionalText(payload, 'azp') ?? optionalText(payload, 'client_id');
    const parties = this.issuer.authorizedParties;
    if (parties && (authorizedParty === undefined || !parties.includes(authorizedParty))) {
      throw subjectRejected('azp is not one that is accepted');
    }
    const sub = optionalText(payload, 'sub') ?? (authorizedParty && `client:${authorizedParty}`);
    if (sub === undefined) throw subjectRejected('neither sub nor azp');
    const act = optionalObject(payload, 'act');
    const mayAct = optionalObject(payload, 'may_act');
    return {
      issuer: this.issuer.id,
      sub,
      ...(authorizedParty !== undefined && { authorizedParty }),
      expiresAt,
      claims: payload,
      ...(act && { act }),
      ...(mayAct && { mayAct }),
      senderConstrained: payload['cnf'] !== undefined || payload['typ'] === 'DPoP',
    };
  }
}

function unavailable(cause: unknown): never {
  if (!(cause instanceof JwksUnavailable)) throw cause;
  const detail = 'the keys of the identity provider cannot be had';
  throw new OAuthError('temporarily_unavailable', 'the identity provider does not answer', {
    detail,
    retryAfter: 5,
    cause,
  });
}
