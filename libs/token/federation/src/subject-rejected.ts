import { OAuthError } from '@modelgate/oauth';

/** A subject token that is not acceptable: one public sentence whatever the reason (RFC 8693 §2.2.2), the reason for the log. */
export function subjectRejected(detail: string, cause?: unknown): OAuthError {
  return new OAuthError('invalid_request', 'the token is not acceptable', { detail, cause });
}
