import { parseStrictJson, StrictJsonError } from '@modelgate/core';
import { OAuthError, type TokenExchangeRequest } from '@modelgate/oauth';
import type { WantedAccess } from '@modelgate/policy';
import {
  AuthorizationDetailsError,
  parseAuthorizationDetails,
  parseModelRef,
  parseScope,
  ScopeSyntaxError,
  type ModelGrant,
  type ModelPattern,
} from '@modelgate/scope';

/**
 * What a token exchange asks for, in the words of policy. `audience` and `resource` are checked together, so that one is
 * no way around the other: each value must lie at the one audience we issue for.
 *
 * @param audience the `aud` of every token we issue; `{audience}/serving/{namespace}/{name}` is one model of it
 * @throws OAuthError invalid_target, invalid_scope, invalid_authorization_details
 */
export function wantedAccess(request: TokenExchangeRequest, audience: string): WantedAccess {
  if (request.audience.some((value) => value !== audience)) throw unknownTarget();
  return {
    policy: request.policy,
    models: modelsOf(request.resource, audience),
    scope: request.scope === undefined ? undefined : readScope(request.scope),
    authorizationDetails:
      request.authorizationDetails === undefined ? undefined : readDetails(request.authorizationDetails, audience),
  };
}

/** @returns undefined where every model is meant: no resource, or the audience as a whole among them */
function modelsOf(resources: readonly string[], audience: string): ModelPattern[] | undefined {
  const prefix = `${audience.replace(/\/$/, '')}/serving/`;
  const models: ModelPattern[] = [];
  let everything = resources.length === 0;
  for (const resource of resources) {
    const model = resource.startsWith(prefix) ? parseModelRef(resource.slice(prefix.length)) : undefined;
    if (model) models.push(model);
    else if (resource === audience) everything = true;
    else throw unknownTarget();
  }
  return everything ? undefined : models;
}

function unknownTarget(): OAuthError {
  return new OAuthError('invalid_target', 'a resource or audience is not served here');
}

function readScope(scope: string): ModelGrant[] {
  try {
    return parseScope(scope);
  } catch (cause) {
    if (!(cause instanceof ScopeSyntaxError)) throw cause;
    throw new OAuthError('invalid_scope', cause.message, { cause });
  }
}

function readDetails(text: string, audience: string): ModelGrant[] {
  try {
    return parseAuthorizationDetails(parseStrictJson(text), audience);
  } catch (cause) {
    if (!(cause instanceof AuthorizationDetailsError || cause instanceof StrictJsonError)) throw cause;
    throw new OAuthError('invalid_authorization_details', `authorization_details: ${cause.message}`, { cause });
  }
}
