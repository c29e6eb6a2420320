import { limitProblem, maxPolicyVersion, parseStrictJson, type Limit } from '@modelgate/core';
import { z } from 'zod';

const limit = z
  .object({ quota: z.int(), windowSeconds: z.int(), burst: z.int().optional() })
  .transform(({ quota, windowSeconds, burst }, context): Limit => {
    const read = { quota, windowSeconds, ...(burst !== undefined && { burst }) };
    const problem = limitProblem(read);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
    return read;
  });
/** A policy without a limit of its own has `null`. */
const policy = z.object({ version: z.int().max(maxPolicyVersion), limit: limit.nullable() });
const schema = z.object({ policies: z.record(z.string(), policy) });

/** The policies as they are, each with its limit if it has one. */
export function formatLimits(policies: readonly { name: string; version: number; limit?: Limit }[]): Buffer {
  const entries = policies.map(({ name, version, limit: own }) => [name, { version, limit: own ?? null }]);
  return Buffer.from(JSON.stringify({ policies: Object.fromEntries(entries) }));
}

/**
 * The limit of each policy that has one of its own.
 *
 * @throws if the body is anything else than the feed
 */
export function parseLimits(body: Uint8Array): ReadonlyMap<string, Limit> {
  const { policies } = schema.parse(parseStrictJson(body));
  const limits = new Map<string, Limit>();
  for (const [name, { limit: own }] of Object.entries(policies)) if (own) limits.set(name, own);
  return limits;
}
