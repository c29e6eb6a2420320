import { describe, expect, it } from 'vitest';
import { denialReasons, deny, type DenialReason } from '../denial/denial.ts';
import { grpcStatus } from './grpc-error.ts';
import { renderDenial } from '../denial/render-denial.ts';

const codeOf = (reason: DenialReason): string => grpcStatus(deny(reason))['grpc-status'];

describe('the gRPC status', () => {
  it.each<[string, string, DenialReason[]]>([
    [
      'INVALID_ARGUMENT',
      '3',
      ['header_malformed', 'body_malformed', 'model_missing', 'model_ambiguous', 'http_version'],
    ],
    ['DEADLINE_EXCEEDED', '4', ['deadline_exceeded', 'request_timeout', 'upstream_timeout']],
    ['NOT_FOUND', '5', ['unknown_host', 'unknown_model']],
    ['PERMISSION_DENIED', '7', ['insufficient_scope']],
    ['RESOURCE_EXHAUSTED', '8', ['body_too_large', 'rate_limited', 'subject_busy', 'headers_too_large']],
    ['UNIMPLEMENTED', '12', ['unknown_route', 'method_not_allowed', 'content_type', 'content_encoding']],
    ['INTERNAL', '13', ['internal_error']],
    [
      'UNAVAILABLE',
      '14',
      ['keys_unavailable', 'model_busy', 'overloaded', 'shutting_down', 'upstream_unreachable', 'upstream_broken'],
    ],
    ['UNAUTHENTICATED', '16', ['token_missing', 'token_invalid', 'token_expired', 'token_malformed']],
    ['UNKNOWN for an HTTP status without a gRPC counterpart', '2', ['target_too_long', 'expectation']],
  ])('%s', (_, code, reasons) => {
    expect(reasons.map((reason) => [reason, codeOf(reason)])).toEqual(reasons.map((reason) => [reason, code]));
  });

  it('is never OK', () => {
    for (const reason of denialReasons) expect(codeOf(reason)).toMatch(/^[1-9]\d?$/);
  });
});

describe('the grpc-message', () => {
  it.each([
    ['plain words ~!"#$&', 'plain words ~!"#$&'],
    ['100 %', '100 %25'],
    ['größe', 'gr%C3%B6%C3%9Fe'],
    ['a\r\nb\u007f', 'a%0D%0Ab%7F'],
    ['😀', '%F0%9F%98%80'],
    ['half \ud800', 'half %EF%BF%BD'],
  ])('encodes %j', (message, encoded) => {
    expect(grpcStatus(deny('unknown_model', { message }))['grpc-message']).toBe(encoded);
  });
});

describe('the gRPC retry hint', () => {
  it.each<[DenialReason, number | undefined, string | undefined]>([
    ['upstream_broken', undefined, '-1'],
    ['upstream_answer', undefined, '-1'],
    ['upstream_timeout', undefined, '-1'],
    ['upstream_unreachable', undefined, undefined],
    ['model_busy', undefined, '1000'],
    ['upstream_unavailable', 7, '7000'],
    ['rate_limited', 60, '60000'],
    ['rate_limited', 61, '-1'],
    ['insufficient_scope', undefined, undefined],
    ['token_expired', undefined, undefined],
  ])('for %s with a wait of %s s is %s', (reason, retryAfterSeconds, expected) => {
    const denial = deny(reason, retryAfterSeconds === undefined ? undefined : { retryAfterSeconds });
    expect({ 'grpc-retry-pushback-ms': undefined, ...grpcStatus(denial) }['grpc-retry-pushback-ms']).toBe(expected);
  });
});

describe('a gRPC refusal', () => {
  it('is a trailers-only answer with the HTTP status 200', () => {
    const { status, headers, body } = renderDenial(deny('unknown_model'), 'grpc', 'req-1');
    expect([status, body]).toEqual([200, '']);
    expect(headers).toMatchObject({
      'content-type': 'application/grpc',
      'content-length': '0',
      'grpc-status': '5',
      'grpc-message': 'The model does not exist.',
      'x-request-id': 'req-1',
    });
  });
});
