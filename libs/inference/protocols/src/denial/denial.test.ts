import { describe, expect, it } from 'vitest';
import { denialReasons, deny, isDenial } from './denial.ts';
import { renderDenial } from './render-denial.ts';

const protocols = ['v1', 'v2', undefined] as const;

describe('deny', () => {
  it('returns one frozen object per reason, unless there are details', () => {
    for (const reason of denialReasons) {
      expect(deny(reason)).toBe(deny(reason));
      expect(Object.isFrozen(deny(reason))).toBe(true);
    }
    expect(deny('rate_limited', { retryAfterSeconds: 3 })).toEqual({ ...deny('rate_limited'), retryAfterSeconds: 3 });
    expect(deny('rate_limited').retryAfterSeconds).toBeUndefined();
  });

  it('reveals nothing about models before the token is checked', () => {
    for (const reason of denialReasons.filter((name) => deny(name).beforeToken)) {
      expect(deny(reason).message).not.toMatch(/\bmodels?\b/i);
      expect([400, 413, 414, 417, 431]).toContain(deny(reason).status);
    }
    for (const reason of ['unknown_host', 'unknown_model', 'unknown_route', 'method_not_allowed', 'model_ambiguous']) {
      expect(denialReasons.filter((name) => name === reason && deny(name).beforeToken)).toEqual([]);
    }
  });

  it('returns an object that isDenial distinguishes from an operation', () => {
    expect(isDenial(deny('unknown_model'))).toBe(true);
    expect(isDenial({ protocol: 'v1', path: '/v1/models' })).toBe(false);
  });
});

describe('renderDenial', () => {
  it('writes the dialect of V1 and V2, with the reason and the request ID', () => {
    for (const protocol of protocols) {
      const { status, headers, body } = renderDenial(deny('unknown_route'), protocol, 'req-1');
      expect(status).toBe(404);
      expect(JSON.parse(body)).toEqual({ error: 'Not Found', reason: 'unknown_route', request_id: 'req-1' });
      expect(headers).toEqual({
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(body)),
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'x-request-id': 'req-1',
      });
    }
  });

  it.each([
    ['token_missing', 401, 'Bearer realm="modelgate"'],
    ['token_invalid', 401, 'Bearer realm="modelgate", error="invalid_token", error_description='],
    ['token_malformed', 400, 'Bearer realm="modelgate", error="invalid_request", error_description='],
  ] as const)('sends a challenge for %s', (reason, status, challenge) => {
    const rendered = renderDenial(deny(reason), 'v2', 'req-1');
    expect(rendered.status).toBe(status);
    expect(rendered.headers['www-authenticate']?.startsWith(challenge)).toBe(true);
    expect(rendered.headers['www-authenticate']?.includes('error=')).toBe(reason !== 'token_missing');
  });

  it('names the missing scope', () => {
    const denial = deny('insufficient_scope', { scope: 'fraud/iris:explain' });
    expect(renderDenial(denial, 'v1', 'req-1', { realm: 'models' }).headers['www-authenticate']).toBe(
      'Bearer realm="models", error="insufficient_scope", error_description="The token does not permit this.", scope="fraud/iris:explain"',
    );
  });

  it('sends Retry-After with every 429 and 503, and only with those', () => {
    for (const reason of denialReasons) {
      const { status, headers } = renderDenial(deny(reason), undefined, 'req-1');
      expect('retry-after' in headers).toBe(status === 429 || status === 503);
    }
    expect(renderDenial(deny('overloaded', { retryAfterSeconds: 7 }), 'v1', 'r').headers['retry-after']).toBe('7');
  });

  it('closes the connection after a malformed request, and sends a challenge with every 401', () => {
    for (const reason of denialReasons) {
      const { status, headers } = renderDenial(deny(reason), undefined, 'req-1');
      expect(headers['connection']).toBe(deny(reason).beforeToken ? 'close' : undefined);
      expect(status === 401 && !headers['www-authenticate']).toBe(false);
    }
  });

  it('lists the methods of a path', () => {
    const { status, headers } = renderDenial(deny('method_not_allowed', { allow: 'POST' }), 'v1', 'req-1');
    expect([status, headers['allow']]).toEqual([405, 'POST']);
  });

  it('accepts further fields, which override the defaults in any case', () => {
    const options = { headers: { 'Retry-After': '9', RateLimit: '"a";r=0;t=9' } };
    const { headers } = renderDenial(deny('rate_limited'), 'v1', 'req-1', options);
    expect(headers).toMatchObject({ 'retry-after': '9', ratelimit: '"a";r=0;t=9' });
    expect(Object.keys(headers).filter((name) => name.toLowerCase() === 'retry-after')).toHaveLength(1);
  });

  it('escapes messages and request IDs in the body', () => {
    const { body } = renderDenial(deny('unknown_model', { message: 'a"b\\\u2028' }), 'v1', 'x"y');
    expect(JSON.parse(body)).toMatchObject({ error: 'a"b\\\u2028', request_id: 'x"y' });
  });
});
