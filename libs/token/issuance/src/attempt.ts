/** What is known of one request so far; what a refusal is written down with. */
export interface Attempt {
  requestId: string;
  /** Authenticated, not merely claimed. */
  clientId?: string;
  /** TrustedIssuer id and `sub` of the verified subject token, as `issuerId|sub`. */
  subject?: string;
  issuer?: string;
  actor?: string;
  policy?: string;
}
