/** The reason why a token is rejected. For the log only; the caller is told no more than `invalid_token`. */
export type RejectionReason =
  | 'malformed'
  | 'header'
  | 'typ'
  | 'alg'
  | 'kid'
  | 'unknown_kid'
  | 'signature'
  | 'iss'
  | 'aud'
  | 'sub'
  | 'client_id'
  | 'jti'
  | 'time_missing'
  | 'expired'
  | 'not_yet_valid'
  | 'lifetime'
  | 'scope'
  | 'authorization_details'
  | 'policy'
  | 'sender_constrained'
  | 'revoked';

/** The token is not acceptable. The error contains no part of the token. */
export class TokenRejected extends Error {
  override readonly name = 'TokenRejected';
  readonly reason: RejectionReason;
  /** For the log: what is wrong, never the value itself. */
  readonly detail: string | undefined;

  constructor(reason: RejectionReason, detail?: string, options?: ErrorOptions) {
    super(detail === undefined ? reason : `${reason}: ${detail}`, options);
    this.reason = reason;
    this.detail = detail;
  }
}

/**
 * No token can be verified at the moment: the issuer's keys have not been fetched yet, or they are too old to be
 * trusted.
 */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable';
}
