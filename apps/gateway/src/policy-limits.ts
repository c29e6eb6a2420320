import { LimitSource } from '@modelgate/authorization';
import type { Limit } from '@modelgate/core';

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
