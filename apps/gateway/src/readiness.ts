import { ReadinessChecks } from '@modelgate/nest';
import type { IssuerTrust } from './issuer-trust.ts';

/** Ready: tokens can be judged. */
export class GatewayReadiness extends ReadinessChecks {
  readonly #trust: IssuerTrust;

  constructor(trust: IssuerTrust) {
    super();
    this.#trust = trust;
  }

  run(): Promise<Record<string, string | undefined>> {
    return Promise.resolve({ issuer: this.#trust.problem });
  }
}
