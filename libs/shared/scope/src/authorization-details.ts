import { maxScopeTokens } from '@modelgate/core';
import { z } from 'zod';
import { countScopeTokens, merge, type ModelGrant } from './model-grant.ts';
import { formatModelRef, parseModelPattern, type ModelPattern } from './model-ref.ts';
import { verbs } from './verb.ts';

/** The one authorization details type of this project (RFC 9396 §2). */
export const authorizationDetailsType = 'kserve_inference';

const modelPattern = z.string().transform((text, context): ModelPattern => {
  const pattern = parseModelPattern(text);
  if (pattern) return pattern;
  context.addIssue({ code: 'custom', message: 'not of the form namespace/name' });
  return z.NEVER;
});

const detail = z.strictObject({
  type: z.literal(authorizationDetailsType),
  models: z.array(modelPattern).min(1).max(maxScopeTokens),
  actions: z.array(z.enum(verbs)).min(1),
  locations: z.tuple([z.string()]).optional(),
});
const details = z.array(detail).min(1).max(maxScopeTokens);

/** One entry as on the wire. */
export interface AuthorizationDetail {
  type: typeof authorizationDetailsType;
  models: string[];
  actions: string[];
  locations?: string[];
}

export class AuthorizationDetailsError extends Error {
  override readonly name = 'AuthorizationDetailsError';
}

/**
 * Reads a parsed `authorization_details` array. Unknown types, members and values are refused, as RFC 9396 §5 demands.
 *
 * @param location where the grants are to be used; a `locations` member must name it
 * @throws AuthorizationDetailsError
 */
export function parseAuthorizationDetails(value: unknown, location: string): ModelGrant[] {
  const parsed = details.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new AuthorizationDetailsError(`entry ${issue?.path.slice(0, 2).join('.') || 'list'} is not acceptable`);
  }
  for (const { locations } of parsed.data) {
    if (locations && locations[0] !== location) throw new AuthorizationDetailsError('locations names another resource');
  }
  const grants = merge(
    parsed.data.flatMap(({ models, actions }) => models.map((model) => ({ model, verbs: actions }))),
  );
  if (countScopeTokens(grants) > maxScopeTokens)
    throw new AuthorizationDetailsError('names too many models and actions');
  return grants;
}

/** The inverse: one entry for each set of models that share their verbs. */
export function formatAuthorizationDetails(grants: readonly ModelGrant[]): AuthorizationDetail[] {
  const byActions = new Map<string, AuthorizationDetail>();
  for (const { model, verbs: actions } of grants) {
    const key = actions.join(' ');
    const entry = byActions.get(key) ?? { type: authorizationDetailsType, models: [], actions: [...actions] };
    entry.models.push(formatModelRef(model));
    byActions.set(key, entry);
  }
  return [...byActions.values()];
}
