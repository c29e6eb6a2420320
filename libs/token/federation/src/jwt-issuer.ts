import type { Clock } from '@modelgate/core';
import type { Subject } from '@modelgate/issuance';
import {
  JwksManager,
  JwksUnavailable,
  verifySignature,
  type CompactJws,
  type HttpGet,
  type JwksEvent,
} from '@modelgate/jwt';
import { OAuthError } from '@modelgate/oauth';
import type { TrustedIssuer } from '@modelgate/policy';
import type { KeyObject } from 'node:crypto';
import { checkRegisteredClaims, optionalObject, optionalText, type Claims } from './jwt-claims.ts';
import { subjectRejected } from './subject-rejected.ts';

export interface JwtIssuerOptions {
  clock: Clock;
  get?: HttpGet;
  onKeys?: (issuer: string, event: JwksEvent) => void;
}

/** What a token was found to say, and what it was verified with. */
export interface VerifiedToken {
  subject: Subject;
  kid: string;
  alg: string;
  key: KeyObject;
}

/** Header members that ask for keys from elsewhere, or for processing that is not done here (RFC 8725 §3.10). */
const refusedMembers = ['crit', 'b64', 'zip', 'jku', 'jwk', 'x5u', 'x5c'];

/** What the kinds of issuers share: keys, signature, registered claims, authorized party. Each kind adds what its tokens say of themselves. */
export abstract class JwtIssuer {
  readonly issuer: TrustedIssuer;
  readonly #clock: Clock;
  readonly #keys: JwksManager;

  /** @param predecessor the same issuer with other rules, whose keys it takes over where they are fetched alike */
  constructor(issuer: TrustedIssuer, { clock, get, onKeys }: JwtIssuerOptions, predecessor?: JwtIssuer) {
    this.issuer = issuer;
    this.#clock = clock;
    if (predecessor && keysOf(predecessor.issuer) === keysOf(issuer)) {
      this.#keys = predecessor.#keys;
      return;
    }
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

  sharesKeysWith(other: JwtIssuer): boolean {
    return this.#keys === other.#keys;
  }

  /** Refuses what is no access token of this kind of issuer. @throws OAuthError */
  protected abstract checkKind(header: Claims, claims: Claims): void;

  /** @throws OAuthError */
  async verify(jws: CompactJws): Promise<VerifiedToken> {
    const { alg, kid } = jws.header;
    const refused = refusedMembers.find((name) => name in jws.header);
    if (refused !== undefined) throw subjectRejected(`${refused} in the header`);
    if (typeof alg !== 'string' || !this.issuer.algorithms.includes(alg)) throw subjectRejected('alg is not accepted');
    if (typeof kid !== 'string' || kid === '' || kid.length > 256) throw subjectRejected('kid is missing');
    const key = await this.#keys.find(kid, alg).catch(unavailable);
    if (!key) throw subjectRejected('kid is unknown');
    if (!verifySignature(jws, alg, key)) throw subjectRejected('the signature is wrong');
    return { subject: this.#subject(jws), kid, alg, key };
  }

  /** Whether the key that verified a token is still the issuer's, under the same kid. */
  stillTrusts({ kid, alg, key }: VerifiedToken): boolean {
    return this.#keys.peek(kid, alg) === key;
  }

  #subject({ header, payload }: CompactJws): Subject {
    this.checkKind(header, payload);
    const expiresAt = checkRegisteredClaims(payload, this.issuer, this.#clock.seconds());
    const authorizedParty = readAuthorizedParty(payload);
    const parties = this.issuer.authorizedParties;
    if (parties && (authorizedParty === undefined || !parties.includes(authorizedParty))) {
      throw subjectRejected('azp is not one that is accepted');
    }
    const sub = readSubject(payload, authorizedParty);
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

/** All that the fetching of an issuer's keys goes by. */
function keysOf({ id, jwksUri, algorithms }: TrustedIssuer): string {
  return JSON.stringify([id, jwksUri, algorithms]);
}

/** `azp` and `client_id` name the same client wherever a token has both. */
function readAuthorizedParty(claims: Claims): string | undefined {
  const azp = optionalText(claims, 'azp');
  const clientId = optionalText(claims, 'client_id');
  if (azp !== undefined && clientId !== undefined && azp !== clientId) {
    throw subjectRejected('azp and client_id name different clients');
  }
  return azp ?? clientId;
}

const clientSubject = 'client:';

/** A token without `sub` is its client's own. No `sub` may look like one that was made up for a client. */
function readSubject(claims: Claims, authorizedParty: string | undefined): string {
  const sub = optionalText(claims, 'sub');
  if (sub?.startsWith(clientSubject)) throw subjectRejected(`sub begins with ${clientSubject}`);
  if (sub !== undefined) return sub;
  if (authorizedParty === undefined) throw subjectRejected('neither sub nor azp');
  return `${clientSubject}${authorizedParty}`;
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
