/** Why a token is not accepted. For the log; the caller is told `invalid_token` and no more. */
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

/** The token is not acceptable. Holds nothing of the token. */
export class TokenRejected extends Error {
  override readonly name = 'TokenRejected';
  readonly reason: RejectionReason;
  /** More, for the log: what is wrong, never the value. */
  readonly detail: string | undefined;

  constructor(reason: RejectionReason, detail?: string, options?: ErrorOptions) {
    super(detail === undefined ? reason : `${reason}: ${detail}`, options);
    this.reason = reason;
    this.detail = detail;
  }
}

/** Nothing can be verified at the moment: the issuer's keys were never had, or are too old to be believed. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable';
}
