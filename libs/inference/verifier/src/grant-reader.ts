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

/** The number of distinct claims that are remembered. */
const maxKnown = 256;

/**
 * Parses the grants of tokens. The tokens of one caller repeat the same claims, so the result is remembered; refusals
 * are not.
 */
export class GrantReader {
  readonly #audience: string;
  readonly #known = new Map<string, readonly ModelGrant[]>();

  constructor(audience: string) {
    this.#audience = audience;
  }

  /** @throws TokenRejected */
  read(claims: Claims): readonly ModelGrant[] {
    // Accepted claims contain only strings, so equal JSON means equal claims.
    const spelling = JSON.stringify([claims['scope'], claims['authorization_details']]);
    const known = this.#known.get(spelling);
    if (known) return known;
    const grants = Object.freeze(readGrants(claims, this.#audience));
    if (this.#known.size >= maxKnown) this.#known.clear();
    this.#known.set(spelling, grants);
    return grants;
  }
}

/** `scope` and `authorization_details` must express the same grants; if they differ, the token is refused. */
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
