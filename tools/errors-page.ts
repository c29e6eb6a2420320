/**
 * The page `docs/reference/errors.md`: every reason that a caller may read, from the tables that answers are made of.
 */
import { denialReasons, deny, type DenialReason } from '../libs/inference/protocols/src/denial/denial.ts';
import { grpcStatus } from '../libs/inference/protocols/src/grpc/grpc-error.ts';
import { openaiError } from '../libs/inference/protocols/src/openai/openai-error.ts';
import { OAuthError, oauthErrorCodes, type OAuthErrorCode } from '../libs/shared/oauth/src/oauth-error.ts';

/** google.rpc.Code. */
const grpcNames: Readonly<Record<string, string>> = {
  '2': 'UNKNOWN',
  '3': 'INVALID_ARGUMENT',
  '4': 'DEADLINE_EXCEEDED',
  '5': 'NOT_FOUND',
  '7': 'PERMISSION_DENIED',
  '8': 'RESOURCE_EXHAUSTED',
  '12': 'UNIMPLEMENTED',
  '13': 'INTERNAL',
  '14': 'UNAVAILABLE',
  '16': 'UNAUTHENTICATED',
};

/** Where the sentence does not say it already: what the caller, or the operator, does about it. */
const remedies: Readonly<Partial<Record<DenialReason, string>>> = {
  body_too_large: 'send less; `MAX_BODY_BYTES`, or `maxBodyBytes` of the model',
  unknown_model: 'the catalogue, and `/catalogue` of the management port, say which there are',
  unknown_route: '[surfaces](surfaces.md) has every path; a model’s `protocols` and `runtime` say which it offers',
  model_ambiguous: 'host, path, header and body must mean one model, and say so once',
  token_missing: 'exchange an identity for a model token and send it as `Authorization: Bearer …`',
  token_invalid:
    'exchange again; the log says under the request id what is wrong: signature, issuer, audience, times, revoked',
  token_expired: 'exchange again',
  insufficient_scope: 'ask for the scope that `WWW-Authenticate` names; a policy must grant it',
  keys_unavailable: 'the gateway has not heard the issuer yet, or too long ago: `/health/ready` and the log say which',
  rate_limited: 'wait for `Retry-After`; the policy’s `limit`, or `DEFAULT_LIMIT`',
  subject_busy: 'wait for others of the same caller; `MAX_CONCURRENT_PER_SUBJECT`',
  model_busy: 'come again; `maxConcurrent` of the model',
  overloaded: 'try again later; buffered request bodies share `MAX_BUFFERED_BYTES`',
  internal_error: 'a bug in the gateway; its cause is in the log under the request id',
  shutting_down: 'come again: another gateway takes it',
  request_timeout: 'send faster; `HEADERS_TIMEOUT`, `REQUEST_TIMEOUT`',
  upstream_unreachable: 'the model’s `upstream`, and whether it runs; nothing was sent, so that it may be repeated',
  upstream_broken: 'the model server’s log; it may have done the work',
  upstream_busy: 'come again; `UPSTREAM_CONNECTIONS`',
  upstream_unavailable: 'the server has failed several times and is left alone for a while',
  upstream_timeout: '`UPSTREAM_TIMEOUT`, or `timeouts` of the model; it may have done the work',
};

const oauthMeanings: Readonly<Record<OAuthErrorCode, string>> = {
  invalid_request:
    'a parameter is missing, malformed or there twice; or the subject token is not acceptable (RFC 8693 §2.2.2), and the log says why',
  invalid_client: 'who is calling is not known, or not by this method of authentication',
  unauthorized_client: 'the token to be revoked was issued to another client',
  unsupported_grant_type: 'there is token exchange alone',
  invalid_scope: 'the scope is malformed, or no policy grants all of it',
  invalid_target: '`resource` or `audience` names no model that a policy grants, or not the audience of models',
  invalid_authorization_details: 'malformed, of another type, or not granted (RFC 9396 §5)',
  invalid_token: 'the bearer token is not accepted (RFC 6750 §3.1)',
  insufficient_scope: 'the bearer token is good, and does not permit this',
  unsupported_token_type: 'that type of token cannot be revoked',
  temporarily_unavailable: 'the database or the signing key is away; `Retry-After` says when to come again',
  server_error: 'a fault; its cause is in the log under the request id',
};

const opening = `# Errors

<!-- Made by npm run generate out of the tables that answers are made of. -->

Every answer has an \`x-request-id\`, and the log has more under it than the caller is told. Nothing here is ever a redirect, and bad
input never a 500.

## Gateway

In the caller’s dialect: \`{"error", "reason"}\` for V1 and V2, OpenAI’s error object, Anthropic’s envelope, or a status of gRPC in
trailers. The reason is the same everywhere, but that OpenAI’s own code stands in its place where there is one. Without a good
token nothing but a malformed request is told from 401.
`;

/** As Markdown. */
export function errorsPage(): string {
  const gateway = denialReasons.map((reason) => {
    const denial = deny(reason);
    const grpc = grpcNames[grpcStatus(denial)['grpc-status']] ?? '';
    const { error } = JSON.parse(openaiError(denial, '').body) as { error: { code: string } };
    const code = error.code === reason ? '' : ` (OpenAI: \`${error.code}\`)`;
    return `| \`${reason}\`${code} | ${denial.status} | ${grpc} | ${denial.message} | ${remedies[reason] ?? ''} |`;
  });
  const oauth = oauthErrorCodes.map(
    (code) => `| \`${code}\` | ${new OAuthError(code, '').status} | ${oauthMeanings[code]} |`,
  );
  return [
    opening,
    `| reason | HTTP | gRPC | is told | what to do |\n| --- | --- | --- | --- | --- |\n${gateway.join('\n')}\n`,
    '## Token service\n\n`{"error", "error_description"}` (RFC 6749 §5.2) at the OAuth endpoints and feeds; problem details (RFC 9457) at the admin API, which [its description](admin-api.json) lists.\n',
    `| code | HTTP | means |\n| --- | --- | --- |\n${oauth.join('\n')}\n`,
    '## Processes\n\n| exit code | means |\n| --- | --- |\n| 78 | the configuration cannot be used; every problem is listed with its remedy |\n| 64 | called with arguments that are not known |\n| 69 | Node is older than 24 |\n| 1 | anything else, such as a port that is taken |\n',
  ].join('\n');
}
