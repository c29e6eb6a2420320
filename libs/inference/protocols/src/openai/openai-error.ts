import type { Denial, DenialReason } from '../denial/denial.ts';
import type { DialectAnswer } from '../inference-protocol.ts';
import { retryFields } from '../denial/sdk-retry.ts';

/** The error object of OpenAI's API. Its libraries turn it into exceptions with `type`, `code` and `param`. */
export function openaiError(denial: Denial, requestId: string): DialectAnswer {
  const { status, reason, message, scope } = denial;
  const error = {
    message: scope === undefined ? message : `${message} Missing scope: ${scope}.`,
    type: types[status] ?? (status >= 500 ? 'server_error' : 'invalid_request_error'),
    param: aboutModel.has(reason) ? 'model' : null,
    code: codes[reason] ?? reason,
  };
  return { headers: retryFields(denial), body: JSON.stringify({ error, request_id: requestId }) };
}

const types: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  429: 'rate_limit_error',
};

/** OpenAI's own codes, because programs compare with them. */
const codes: Readonly<Partial<Record<DenialReason, string>>> = {
  token_missing: 'invalid_api_key',
  token_invalid: 'invalid_api_key',
  unknown_model: 'model_not_found',
  rate_limited: 'rate_limit_exceeded',
};

const aboutModel: ReadonlySet<DenialReason> = new Set(['model_missing', 'model_ambiguous', 'unknown_model']);
