import { OAuthError } from '@modelgate/oauth';
import type { TrustedIssuer } from '@modelgate/policy';
import type { Subject } from '../subject.ts';

/** The `act` claim we issue (RFC 8693 §4.1): the current actor outside, earlier ones within. Actors are `issuerId|sub`. */
export interface ActorClaim {
  sub: string;
  act?: ActorClaim;
}

/** More actors in a row than any policy can allow. */
const deepest = 8;

type Claims = Readonly<Record<string, unknown>>;

/**
 * Who acts, decided by what the tokens say and not by which parameters came with them: a subject token that knows of an
 * actor never yields a token that does not.
 *
 * @throws OAuthError invalid_request
 */
export function actorChain(
  subject: Subject,
  actor: Subject | undefined,
  issuers: readonly TrustedIssuer[],
): ActorClaim | undefined {
  const earlier = earlierActors(subject, issuers);
  const mayAct = objectClaim(subject.mayAct ?? subject.claims['may_act'], 'may_act');
  if (!actor) {
    // Without this, leaving the parameter out would turn a delegation into an impersonation.
    if (mayAct) throw unacceptable('the subject token has may_act, and no actor token was sent');
    return earlier;
  }
  if (actor.act !== undefined || actor.claims['act'] !== undefined) {
    throw unacceptable('the actor token is itself a delegated one');
  }
  if (mayAct && !names(mayAct, actor, subject)) throw unacceptable('may_act names another actor');
  return { sub: identity(actor), ...(earlier && { act: earlier }) };
}

/** How many actors stand in the chain. */
export function depthOf(chain: ActorClaim): number {
  return chain.act ? 1 + depthOf(chain.act) : 1;
}

/** The `sub` and `act.sub` we issue: unique over all issuers. */
export function identity({ issuer, sub }: Pick<Subject, 'issuer' | 'sub'>): string {
  return `${issuer}|${sub}`;
}

function earlierActors(subject: Subject, issuers: readonly TrustedIssuer[]): ActorClaim | undefined {
  const act = objectClaim(subject.act ?? subject.claims['act'], 'act');
  return act && translate(act, subject.issuer, issuers, 1);
}

function translate(act: Claims, home: string, issuers: readonly TrustedIssuer[], depth: number): ActorClaim {
  const { sub, iss } = act;
  if (depth > deepest) throw unacceptable('act is nested too deep');
  if (typeof sub !== 'string' || sub === '') throw unacceptable('act names no sub');
  const issuer = iss === undefined ? home : issuers.find((trusted) => trusted.issuer === iss)?.id;
  if (issuer === undefined) throw unacceptable('act names an issuer that is not trusted');
  const earlier = objectClaim(act['act'], 'act');
  return {
    sub: identity({ issuer, sub }),
    ...(earlier && { act: translate(earlier, issuer, issuers, depth + 1) }),
  };
}

/** Every member of `may_act` must be a claim of the actor; without `iss` it speaks of the subject's own issuer. */
function names(mayAct: Claims, actor: Subject, subject: Subject): boolean {
  const identifies = typeof mayAct['sub'] === 'string' || typeof mayAct['client_id'] === 'string';
  if (!identifies || (mayAct['iss'] === undefined && actor.issuer !== subject.issuer)) return false;
  const known: Claims = { ...actor.claims, sub: actor.sub };
  return Object.entries(mayAct).every(([name, value]) => typeof value === 'string' && known[name] === value);
}

function objectClaim(value: unknown, name: string): Claims | undefined {
  if (value === undefined) return undefined;
  if (isObject(value)) return value;
  throw unacceptable(`${name} is not an object`);
}

function isObject(value: unknown): value is Claims {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unacceptable(detail: string): OAuthError {
  return new OAuthError('invalid_request', unacceptableToken, { detail });
}

/** One text for everything that can be wrong with a token, so that nobody learns a policy by trying. */
export const unacceptableToken = 'the subject or actor token is not acceptable';
