import type { Clock, Limit } from '@modelgate/core';
import { deny, type Denial, type Protocol } from '@modelgate/protocols';
import {
  limitKey,
  openaiLimitFields,
  rateLimitFields,
  type LimitStore,
  type LimitVerdict,
} from '@modelgate/rate-limit';
import { formatModelRef, type ModelRef } from '@modelgate/scope';
import type { ModelToken } from '@modelgate/verifier';
import type { Settled } from './verdict.ts';

/** The limits as they are now. */
export abstract class LimitSource {
  /** @param policy undefined for tokens of an issuer that has none */
  abstract of(policy: string | undefined): Limit;
}

export interface RateLimiterOptions {
  limits: LimitSource;
  limitStore: LimitStore;
  clock: Clock;
}

/** What a request is about. */
export interface Asked {
  protocol: Protocol;
  /** Undefined if it is about all of them. */
  model?: ModelRef;
}

/** A request that was counted. */
export interface Counted {
  /** Why it is one too many; undefined if it is not. */
  denial: Denial | undefined;
  /** What its caller is told about its limit. */
  fields: Record<string, string>;
}

/** Counts requests by the policy of their token, its subject and the model. */
export class RateLimiter {
  readonly #options: RateLimiterOptions;

  constructor(options: RateLimiterOptions) {
    this.#options = options;
  }

  /** A promise only if other gateways count too. */
  count(token: ModelToken, { model, protocol }: Asked): Settled<Counted> {
    const { limits, limitStore, clock } = this.#options;
    const limit = limits.of(token.policy);
    const counted = (verdict: LimitVerdict): Counted => ({
      denial: verdict.allowed
        ? undefined
        : deny('rate_limited', { retryAfterSeconds: Math.ceil(verdict.retryAfterSeconds) }),
      fields: {
        ...rateLimitFields(limit, verdict, token.policy ?? 'default'),
        ...(protocol === 'openai' && openaiLimitFields(limit, verdict)),
      },
    });
    const key = limitKey(token.policy, token.subject, model ? formatModelRef(model) : '*');
    const verdict = limitStore.take(key, limit, clock.now());
    return verdict instanceof Promise ? verdict.then(counted) : counted(verdict);
  }
}
