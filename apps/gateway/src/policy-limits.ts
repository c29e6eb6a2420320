import { parseStrictJson } from '@modelgate/core';
import type { Limit } from '@modelgate/rate-limit';
import { z } from 'zod';

const limitSchema = z.object({
  quota: z.number().int().min(1),
  windowSeconds: z.number().int().min(1),
  burst: z.number().int().min(1).optional(),
});
const feedSchema = z.object({
  policies: z.record(z.string(), z.object({ version: z.number(), limit: limitSchema.nullable() })),
});

/** @throws where the body is not the limits feed */
export function parseLimits(body: Uint8Array): ReadonlyMap<string, Limit> {
  const { policies } = feedSchema.parse(parseStrictJson(body));
  const limits = new Map<string, Limit>();
  for (const [policy, { limit }] of Object.entries(policies)) {
    if (!limit) continue;
    const { quota, windowSeconds, burst } = limit;
    limits.set(policy, { quota, windowSeconds, ...(burst !== undefined && { burst }) });
  }
  return limits;
}

/** The limit of each policy as the issuer has it now, and the one for all others. */
export class PolicyLimits {
  readonly #default: Limit;
  #limits: ReadonlyMap<string, Limit> = new Map();

  constructor(defaultLimit: Limit) {
    this.#default = defaultLimit;
  }

  replace(limits: ReadonlyMap<string, Limit>): void {
    this.#limits = limits;
  }

  of(policy: string | undefined): Limit {
    return (policy === undefined ? undefined : this.#limits.get(policy)) ?? this.#default;
  }
}
