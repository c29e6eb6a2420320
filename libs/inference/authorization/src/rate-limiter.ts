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

/** The limits currently in force. */
export abstract class LimitSource {
  /**
   *
   * @param policy undefined for a token from an issuer without policies
   */
  abstract of(policy: string | undefined): Limit;
}

export interface RateLimiterOptions {
  limits: LimitSource;
  limitStore: LimitStore;
  clock: Clock;
}

/** The protocol and the model of a request. */
export interface Asked {
  protocol: Protocol;
  /** Undefined if the request is about all models. */
  model?: ModelRef;
}

/** The result of counting a request. */
export interface Counted {
  /** Undefined if the request is within the limit. */
  denial: Denial | undefined;
  /** Header fields that tell the caller about its limit. */
  fields: Record<string, string>;
}

/** Counts requests per policy, subject and model. */
export class RateLimiter {
  readonly #options: RateLimiterOptions;

  constructor(options: RateLimiterOptions) {
    this.#options = options;
  }

  /** Returns a promise only if the limit is shared with other gateways. */
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
