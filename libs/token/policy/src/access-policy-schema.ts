import { countScopeTokens, maxScopeTokens, merge, parseModelPattern, verbs, type ModelPattern } from '@modelgate/scope';
import { z } from 'zod';
import type { AccessPolicy } from './access-policy.ts';
import { matchSchema } from './match-schema.ts';
import { dnsName, durationSeconds } from './schema-parts.ts';

/** No token lives longer, whatever a policy says. */
const longestTtl = 3600;

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

const count = z.int().min(1).max(1_000_000_000);
const limitObject = z
  .strictObject({
    quota: count,
    window: durationSeconds({ min: 1 }).optional(),
    windowSeconds: z.int().min(1).optional(),
    burst: count.optional(),
  })
  .transform(({ quota, window, windowSeconds, burst }, context) => {
    const seconds = window ?? windowSeconds;
    if (seconds !== undefined && (window === undefined || windowSeconds === undefined)) {
      return { quota, windowSeconds: seconds, ...(burst !== undefined && { burst }) };
    }
    context.addIssue({ code: 'custom', message: 'needs exactly one of window ("1m") and windowSeconds (60)' });
    return z.NEVER;
  });
const limitText = z
  .string()
  .regex(/^[1-9]\d{0,8}\/[1-9]\w*$/, 'a limit is written like 600/1m')
  .transform((text): z.input<typeof limitObject> => {
    const [quota, window = ''] = text.split('/');
    return { quota: Number(quota), window };
  })
  .pipe(limitObject);

const delegation = z.strictObject({
  actors: z.array(z.string().regex(/^[^|]+\|.+$/s, 'an actor is written issuerId|sub')).min(1),
  maxDepth: z.int().min(1).max(8).default(1),
});

/** An access policy as written in the access file; its output is an AccessPolicy. Durations carry units. */
export const accessPolicySchema = z
  .strictObject({
    name: dnsName,
    version: z.int().min(1).default(1),
    enabled: z.boolean().default(true),
    issuer: dnsName,
    match: matchSchema,
    grants,
    maxTtl: durationSeconds({ min: 1, max: longestTtl }).default(900),
    limit: z.union([limitText, limitObject]).optional(),
    delegation: delegation.optional(),
  })
  .transform(({ limit, delegation, ...policy }): AccessPolicy => {
    return { ...policy, ...(limit && { limit }), ...(delegation && { delegation }) };
  });
