import { LimitSource } from '@modelgate/authorization';
import { limitProblem, maxPolicyVersion, parseStrictJson, type Limit } from '@modelgate/core';
import { z } from 'zod';

const limitSchema = z
  .object({ quota: z.int(), windowSeconds: z.int(), burst: z.int().optional() })
  .transform(({ quota, windowSeconds, burst }, context): Limit => {
    const limit = { quota, windowSeconds, ...(burst !== undefined && { burst }) };
    const problem = limitProblem(limit);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
    return limit;
  });
const feedSchema = z.object({
  policies: z.record(z.string(), z.object({ version: z.int().max(maxPolicyVersion), limit: limitSchema.nullable() })),
});

/** @throws if the body is not the limits feed */
export function parseLimits(body: Uint8Array): ReadonlyMap<string, Limit> {
  const { policies } = feedSchema.parse(parseStrictJson(body));
  const limits = new Map<string, Limit>();
  for (const [policy, { limit }] of Object.entries(policies)) {
    if (limit) limits.set(policy, limit);
  }
  return limits;
}

/** The issuer's current limit of each policy, and the default limit. */
export class PolicyLimits extends LimitSource {
  readonly #default: Limit;
  #limits: ReadonlyMap<string, Limit> = new Map();

  constructor(defaultLimit: Limit) {
    super();
    this.#default = defaultLimit;
  }

  replace(limits: ReadonlyMap<string, Limit>): void {
    this.#limits = limits;
  }

  override of(policy: string | undefined): Limit {
    return (policy === undefined ? undefined : this.#limits.get(policy)) ?? this.#default;
  }
}
