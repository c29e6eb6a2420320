/**
 * Every error code this project answers with, and the HTTP status it maps to. The status lives here and nowhere else.
 * Sources: RFC 6749 §5.2, RFC 6750 §3.1, RFC 8693 §2.2.2, RFC 9396 §5, RFC 7009 §2.2.1.
 */
const statusOf = {
  invalid_request: 400,
  invalid_client: 401,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  invalid_scope: 400,
  invalid_target: 400,
  invalid_authorization_details: 400,
  invalid_token: 401,
  insufficient_scope: 403,
  unsupported_token_type: 400,
  temporarily_unavailable: 503,
  server_error: 500,
} as const;

export type OAuthErrorCode = keyof typeof statusOf;

export interface OAuthErrorOptions {
  /** What the operator must know and the caller must not; goes to the log under the request id, never on the wire. */
  detail?: string;
  /** Seconds for `Retry-After`. */
  retryAfter?: number;
  cause?: unknown;
}

/**
 * A refusal in the words of the OAuth RFCs. `description` is public (printable ASCII without `"` and `\`, as RFC 6749
 * §5.2 demands); `detail` is only ever logged.
 */
export class OAuthError extends Error {
  override readonly name = 'OAuthError';
  readonly code: OAuthErrorCode;
  readonly description: string;
  readonly detail: string | undefined;
  readonly retryAfter: number | undefined;

  constructor(code: OAuthErrorCode, description: string, options: OAuthErrorOptions = {}) {
    super(`${code}: ${description}`, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.description = description.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?');
    this.detail = options.detail;
    this.retryAfter = options.retryAfter;
  }

  get status(): number {
    return statusOf[this.code];
  }
}

export const oauthErrorCodes = Object.keys(statusOf) as OAuthErrorCode[];
