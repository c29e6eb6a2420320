import type { Denial } from '../denial/denial.ts';
import type { DialectAnswer } from '../inference-protocol.ts';
import { retryFields } from '../denial/sdk-retry.ts';

/** The error envelope of Anthropic's API. Its libraries read the request ID from `request-id`. */
export function anthropicError(denial: Denial, requestId: string): DialectAnswer {
  const { status, message, scope } = denial;
  const type = types[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
  const error = { type, message: scope === undefined ? message : `${message} Missing scope: ${scope}.` };
  return {
    headers: { 'request-id': requestId, ...retryFields(denial) },
    body: JSON.stringify({ type: 'error', error, request_id: requestId }),
  };
}

const types: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
};
