import type { AccessPolicy } from './access-policy.ts';
import type { TrustedIssuer } from './trusted-issuer.ts';

/** Where policies and issuers come from: a file now, the admin API later. Answers from memory. */
export abstract class PolicySource {
  abstract policies(): readonly AccessPolicy[];
  abstract issuers(): readonly TrustedIssuer[];
}
