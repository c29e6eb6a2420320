import { describe, expect, it } from 'vitest';
import { denialReasons, deny, type Denial } from './denial.ts';
import { renderDenial } from './render-denial.ts';

const openai = (denial: Denial) => render(denial, 'openai');
const anthropic = (denial: Denial) => render(denial, 'anthropic');

function render(denial: Denial, protocol: 'openai' | 'anthropic') {
  const { status, headers, body } = renderDenial(denial, protocol, 'req-1');
  return { status, headers, body: JSON.parse(body) as { error: Record<string, unknown> } };
}

describe('OpenAI’s error object', () => {
  it.each([
    [deny('token_missing'), 401, 'authentication_error', 'invalid_api_key', null],
    [deny('token_invalid'), 401, 'authentication_error', 'invalid_api_key', null],
    [deny('token_expired'), 401, 'authentication_error', 'token_expired', null],
    [deny('insufficient_scope'), 403, 'permission_error', 'insufficient_scope', null],
    [deny('unknown_model'), 404, 'invalid_request_error', 'model_not_found', 'model'],
    [deny('unknown_route'), 404, 'invalid_request_error', 'unknown_route', null],
    [deny('model_missing'), 400, 'invalid_request_error', 'model_missing', 'model'],
    [deny('model_ambiguous'), 400, 'invalid_request_error', 'model_ambiguous', 'model'],
    [deny('body_malformed'), 400, 'invalid_request_error', 'body_malformed', null],
    [deny('body_too_large'), 413, 'invalid_request_error', 'body_too_large', null],
    [deny('rate_limited'), 429, 'rate_limit_error', 'rate_limit_exceeded', null],
    [deny('subject_busy'), 429, 'rate_limit_error', 'subject_busy', null],
    [deny('model_busy'), 503, 'server_error', 'model_busy', null],
    [deny('internal_error'), 500, 'server_error', 'internal_error', null],
    [deny('upstream_broken'), 502, 'server_error', 'upstream_broken', null],
  ])('has its status, type and code: case %#', (denial, status, type, code, param) => {
    const answer = openai(denial);
    expect(answer.status).toBe(status);
    expect(answer.body).toEqual({ error: { message: denial.message, type, param, code }, request_id: 'req-1' });
  });
});

describe('Anthropic’s error envelope', () => {
  it.each([
    [deny('token_missing'), 401, 'authentication_error'],
    [deny('insufficient_scope'), 403, 'permission_error'],
    [deny('unknown_model'), 404, 'not_found_error'],
    [deny('body_malformed'), 400, 'invalid_request_error'],
    [deny('content_type'), 415, 'invalid_request_error'],
    [deny('body_too_large'), 413, 'request_too_large'],
    [deny('rate_limited'), 429, 'rate_limit_error'],
    [deny('model_busy'), 503, 'overloaded_error'],
    [deny('internal_error'), 500, 'api_error'],
    [deny('upstream_broken'), 502, 'api_error'],
    [deny('upstream_timeout'), 504, 'timeout_error'],
  ])('has its status and type: case %#', (denial, status, type) => {
    const { message } = denial;
    const answer = anthropic(denial);
    expect(answer.status).toBe(status);
    expect(answer.headers['request-id']).toBe('req-1');
    expect(answer.body).toEqual({ type: 'error', error: { type, message }, request_id: 'req-1' });
  });
});

describe.each([
  ['OpenAI', openai],
  ['Anthropic', anthropic],
])('%s’s libraries', (_, dialect) => {
  it('are told which scope is missing', () => {
    const { body } = dialect(deny('insufficient_scope', { scope: 'fraud/llm:generate' }));
    expect(body.error['message']).toBe('The token does not permit this. Missing scope: fraud/llm:generate.');
  });

  it('are told to retry only after an expired token', () => {
    const told = denialReasons.filter((reason) => dialect(deny(reason)).headers['x-should-retry'] === 'true');
    expect(told).toEqual(['token_expired']);
    expect(Number(dialect(deny('token_expired')).headers['retry-after-ms'])).toBeGreaterThan(0);
  });

  it('are told not to retry if the model may have processed the request', () => {
    const told = denialReasons.filter((reason) => dialect(deny(reason)).headers['x-should-retry'] === 'false');
    expect(told).toEqual(['upstream_broken', 'upstream_answer', 'upstream_timeout']);
  });

  it.each([
    [60, undefined],
    [61, 'false'],
  ])('given a wait of %d s, get x-should-retry %s', (retryAfterSeconds, told) => {
    const { headers } = dialect(deny('rate_limited', { retryAfterSeconds }));
    expect([headers['retry-after'], headers['x-should-retry']]).toEqual([String(retryAfterSeconds), told]);
  });
});
