/** What is known of one request so far, with which its grant or its refusal is written down. */
export interface Attempt extends Learned {
  readonly requestId: string;
  /** Authenticated, not merely claimed. */
  readonly clientId?: string;
}

/** What a grant finds out about a request on its way. */
export interface Learned {
  /** TrustedIssuer id and `sub` of the verified subject token, as `issuerId|sub`. */
  readonly subject?: string;
  readonly issuer?: string;
  readonly actor?: string;
  readonly policy?: string;
}
