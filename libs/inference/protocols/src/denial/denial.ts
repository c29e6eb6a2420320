import type { OAuthErrorCode } from '@modelgate/oauth';
import type { Operation } from '../operation.ts';

interface Ground {
  status: 400 | 401 | 403 | 404 | 405 | 408 | 413 | 414 | 415 | 417 | 429 | 431 | 500 | 502 | 503 | 504;
  message: string;
  /** Known from the request alone, so the denial reveals nothing about what is served here. */
  beforeToken?: true;
  /**
   * The `error` of the `WWW-Authenticate` challenge (RFC 6750 §3.1); absent on a 401 for a request without a
   * credential.
   */
  error?: OAuthErrorCode;
}

/** Every reason to refuse a request. */
const grounds = {
  method_malformed: malformed('The request method is malformed.'),
  target_form: malformed('The request target must be an absolute path.'),
  target_too_long: { status: 414, message: 'The request target is too long.', beforeToken: true },
  query_not_allowed: malformed('Query strings are not allowed.'),
  fragment: malformed('The path must not contain a fragment.'),
  percent_encoding: malformed('The path must not contain percent-encoded characters.'),
  path_parameter: malformed('The path must not contain path parameters.'),
  backslash: malformed('The path must not contain a backslash.'),
  control_character: malformed('The request contains a control character.'),
  non_ascii: malformed('The request contains a character outside ASCII.'),
  path_character: malformed('The path contains a character that no route has.'),
  empty_segment: malformed('The path must not contain an empty segment.'),
  dot_segment: malformed('The path must not contain dot segments.'),
  trailing_slash: malformed('The path must not end in a slash.'),
  pseudo_header: malformed('The pseudo-header fields of the request are malformed.'),
  https_required: malformed('Tokens are accepted over HTTPS alone.'),
  host_malformed: malformed('The Host header must be one host name, with at most a port.'),
  header_malformed: malformed('A header is malformed.'),
  header_underscore: malformed('Header names must not contain an underscore.'),
  header_repeated: malformed('A header that has one value is sent more than once.'),
  headers_too_large: { status: 431, message: 'The request has too many or too large headers.', beforeToken: true },
  method_override: malformed('Headers that replace the method or the target are not allowed.'),
  connection_option: malformed('The Connection header lists a field that is not hop-by-hop.'),
  upgrade: malformed('Protocol upgrades are not supported.'),
  expectation: { status: 417, message: 'The only supported expectation is 100-continue.', beforeToken: true },
  content_length: malformed('The Content-Length header is malformed.'),
  transfer_encoding: malformed('The only supported transfer coding is chunked.'),
  framing_ambiguous: malformed('Content-Length and Transfer-Encoding exclude each other.'),
  body_not_allowed: malformed('A GET request has no body.'),
  body_too_large: { status: 413, message: 'The request body is too large.', beforeToken: true },

  unknown_host: { status: 404, message: 'No model is served at this host.' },
  unknown_model: { status: 404, message: 'The model does not exist.' },
  unknown_route: { status: 404, message: 'Not Found' },
  model_ambiguous: { status: 400, message: 'The request names different models.' },
  body_malformed: { status: 400, message: 'The request body is malformed.' },
  model_missing: { status: 400, message: 'The request body does not name a model.' },
  content_type: { status: 415, message: 'The content type is not supported here.' },
  content_encoding: { status: 415, message: 'Encoded bodies are not supported here.' },
  http_version: { status: 400, message: 'gRPC needs HTTP/2.' },
  method_not_allowed: { status: 405, message: 'Method Not Allowed' },

  token_missing: { status: 401, message: 'A bearer token is required.' },
  token_malformed: { status: 400, message: 'The Authorization header is malformed.', error: 'invalid_request' },
  token_invalid: { status: 401, message: 'The bearer token is not accepted.', error: 'invalid_token' },
  token_expired: { status: 401, message: 'The bearer token has expired.', error: 'invalid_token' },
  insufficient_scope: { status: 403, message: 'The token does not permit this.', error: 'insufficient_scope' },
  keys_unavailable: { status: 503, message: 'Tokens cannot be verified at the moment.' },
  rate_limited: { status: 429, message: 'The rate limit is exceeded.' },
  subject_busy: { status: 429, message: 'Too many requests of the same caller are under way.' },
  model_busy: { status: 503, message: 'Too many requests for the model are under way.' },
  overloaded: { status: 503, message: 'The gateway is overloaded.' },
  internal_error: { status: 500, message: 'The gateway failed unexpectedly.' },
  shutting_down: { status: 503, message: 'The gateway is shutting down.' },

  deadline_exceeded: { status: 504, message: 'The deadline of the call has passed.' },
  request_timeout: { status: 408, message: 'The request did not arrive in time.' },

  upstream_unreachable: { status: 502, message: 'The model server cannot be reached.' },
  upstream_broken: { status: 502, message: 'The model server broke off its answer.' },
  upstream_answer: { status: 502, message: 'The answer of the model server is not understood.' },
  upstream_refused: { status: 400, message: 'The model server does not accept the request.' },
  upstream_busy: { status: 503, message: 'The model server is busy.' },
  upstream_unavailable: { status: 503, message: 'The model server does not answer at the moment.' },
  upstream_timeout: { status: 504, message: 'The model server did not answer in time.' },
} as const satisfies Record<string, Ground>;

export type DenialReason = keyof typeof grounds;
export const denialReasons = Object.keys(grounds) as DenialReason[];

/** Why a request was refused. The reason goes to both the caller and the log, and contains no secret. */
export interface Denial {
  status: Ground['status'];
  reason: DenialReason;
  /** Public sentence. */
  message: string;
  /**
   * Whether the denial may be sent before the token has been checked. A 401 takes precedence over every other denial.
   */
  beforeToken: boolean;
  error?: OAuthErrorCode;
  /** The scope that would have permitted the request. */
  scope?: string;
  /** The methods that this path supports. */
  allow?: string;
  /** The operation that the server lacks, if the model was named. */
  asked?: Pick<Operation, 'model' | 'verb'>;
  /** Seconds. */
  retryAfterSeconds?: number;
}

/** Details of one denial, beyond the defaults of its reason. */
export type DenialFacts = Partial<Pick<Denial, 'message' | 'scope' | 'allow' | 'asked' | 'retryAfterSeconds'>>;

const plain = new Map<DenialReason, Denial>(denialReasons.map((reason) => [reason, Object.freeze(build(reason))]));

/** The denial for a reason. Without details it is always the same frozen object. */
export function deny(reason: DenialReason, facts?: DenialFacts): Denial {
  return (facts === undefined ? plain.get(reason) : undefined) ?? { ...build(reason), ...facts };
}

/** Distinguishes a denial from the other values that a function may return. */
export function isDenial(value: object): value is Denial {
  return 'reason' in value;
}

function build(reason: DenialReason): Denial {
  const ground: Ground = grounds[reason];
  return {
    status: ground.status,
    reason,
    message: ground.message,
    beforeToken: ground.beforeToken ?? false,
    ...(ground.error && { error: ground.error }),
  };
}

function malformed(message: string) {
  return { status: 400, message, beforeToken: true } as const;
}
