import { maxScopeTokens } from '@modelgate/core';
import { merge, type ModelGrant } from './model-grant.ts';
import { formatModelRef, parseModelPattern } from './model-ref.ts';
import { isVerb } from './verb.ts';

/** A scope this grammar does not know. The message names the position, never the text. */
export class ScopeSyntaxError extends Error {
  override readonly name = 'ScopeSyntaxError';
}

/**
 * Reads `fraud/iris:predict fraud/iris:explain` (RFC 6749 §3.3, scope tokens of the form `model:verb`).
 *
 * @throws ScopeSyntaxError for an unknown verb, a malformed model, an empty list or stray spaces
 */
export function parseScope(scope: string): ModelGrant[] {
  const tokens = scope.split(' ');
  if (tokens.length > maxScopeTokens) throw new ScopeSyntaxError('too many scope tokens');
  return merge(tokens.map(parseScopeToken));
}

function parseScopeToken(token: string, index: number): ModelGrant {
  const colon = token.lastIndexOf(':');
  const model = parseModelPattern(token.slice(0, Math.max(colon, 0)));
  const verb = token.slice(colon + 1);
  if (!model || !isVerb(verb))
    throw new ScopeSyntaxError(`scope token ${index + 1} is not of the form namespace/name:verb`);
  return { model, verbs: [verb] };
}

/** The inverse of {@link parseScope}, up to order and repetition. */
export function formatScope(grants: readonly ModelGrant[]): string {
  return grants.flatMap(({ model, verbs }) => verbs.map((verb) => `${formatModelRef(model)}:${verb}`)).join(' ');
}
