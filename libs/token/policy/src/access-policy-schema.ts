import {
  LimitError,
  limitProblem,
  maxPolicyVersion,
  maxScopeTokens,
  maxTokenLifeSeconds,
  parseLimit,
  type Limit,
} from '@modelgate/core';
import { countScopeTokens, merge, parseModelPattern, verbs, type ModelPattern } from '@modelgate/scope';
import { z } from 'zod';
import type { AccessPolicy } from './access-policy.ts';
import { matchSchema } from './match-schema.ts';
import { dnsName, durationSeconds } from './schema-parts.ts';

const modelPattern = z.string().transform((text, context): ModelPattern => {
  const pattern = parseModelPattern(text);
  if (pattern) return pattern;
  context.addIssue({
    code: 'custom',
    message: 'a model is written namespace/name, namespace/* or namespace/name#alias',
  });
  return z.NEVER;
});

const grants = z
  .array(z.strictObject({ models: z.array(modelPattern).min(1), verbs: z.array(z.enum(verbs)).min(1) }))
  .min(1)
  .transform((list) => merge(list.flatMap(({ models, verbs }) => models.map((model) => ({ model, verbs })))))
  .refine((merged) => countScopeTokens(merged) <= maxScopeTokens, {
    message: `grants more than the ${maxScopeTokens} combinations of model and verb that one token can carry; use namespace/* or two policies`,
  });

const limitMembers = z.strictObject({
  quota: z.int(),
  window: durationSeconds({ min: 1 }).optional(),
  windowSeconds: z.int().optional(),
  burst: z.int().optional(),
});

/** Judged once its form is known, so that the author reads what is wrong with it and not which forms there are. */
const limit = z.union([z.string(), limitMembers]).transform((written, context): Limit => {
  try {
    return typeof written === 'string' ? parseLimit(written) : limitOf(written);
  } catch (error) {
    if (!(error instanceof LimitError)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
    return z.NEVER;
  }
});

/** @throws LimitError */
function limitOf({ quota, window, windowSeconds, burst }: z.output<typeof limitMembers>): Limit {
  const seconds = window ?? windowSeconds;
  if (seconds === undefined || (window !== undefined && windowSeconds !== undefined)) {
    throw new LimitError('needs exactly one of window ("1m") and windowSeconds (60)');
  }
  const limit = { quota, windowSeconds: seconds, ...(burst !== undefined && { burst }) };
  const problem = limitProblem(limit);
  if (problem !== undefined) throw new LimitError(problem);
  return limit;
}

const delegation = z.strictObject({
  actors: z.array(z.string().regex(/^[^|]+\|.+$/s, 'an actor is written issuerId|sub')).min(1),
  maxDepth: z.int().min(1).max(8).default(1),
});

/** An access policy as written in the access file; its output is an AccessPolicy. Durations carry units. */
export const accessPolicySchema = z
  .strictObject({
    name: dnsName,
    version: z.int().min(1).max(maxPolicyVersion).default(1),
    enabled: z.boolean().default(true),
    issuer: dnsName,
    match: matchSchema,
    grants,
    maxTtl: durationSeconds({ min: 1, max: maxTokenLifeSeconds }).default(900),
    limit: limit.optional(),
    delegation: delegation.optional(),
  })
  .transform(({ limit, delegation, ...policy }): AccessPolicy => {
    return { ...policy, ...(limit && { limit }), ...(delegation && { delegation }) };
  });
