import {
  AuthorizationDetailsError,
  parseAuthorizationDetails,
  parseScope,
  ScopeSyntaxError,
  within,
  type ModelGrant,
} from '@modelgate/scope';
import { TokenRejected, type RejectionReason } from './token-rejected.ts';

type Claims = Readonly<Record<string, unknown>>;

/** How many ways of saying what a token may do are remembered. */
const maxKnown = 256;

/** What tokens permit. Those of one caller say the same again and again, so that it is read once; refusals are not kept. */
export class GrantReader {
  readonly #audience: string;
  readonly #known = new Map<string, readonly ModelGrant[]>();

  constructor(audience: string) {
    this.#audience = audience;
  }

  /** @throws TokenRejected */
  read(claims: Claims): readonly ModelGrant[] {
    // What is accepted holds nothing but strings, of which no two are written alike.
    const spelling = JSON.stringify([claims['scope'], claims['authorization_details']]);
    const known = this.#known.get(spelling);
    if (known) return known;
    const grants = Object.freeze(readGrants(claims, this.#audience));
    if (this.#known.size >= maxKnown) this.#known.clear();
    this.#known.set(spelling, grants);
    return grants;
  }
}

/** `scope` and `authorization_details` say the same thing twice; where they do not, neither is believed. */
function readGrants(claims: Claims, audience: string): ModelGrant[] {
  const scoped = reading('scope', () => parseScope(typeof claims['scope'] === 'string' ? claims['scope'] : ''));
  const detailed = reading('authorization_details', () =>
    parseAuthorizationDetails(claims['authorization_details'], audience),
  );
  if (!within(scoped, detailed) || !within(detailed, scoped)) {
    throw new TokenRejected('authorization_details', 'differs from scope');
  }
  return scoped;
}

function reading(reason: RejectionReason, read: () => ModelGrant[]): ModelGrant[] {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof ScopeSyntaxError || cause instanceof AuthorizationDetailsError) {
      throw new TokenRejected(reason, cause.message, { cause });
    }
    throw cause;
  }
}
