import { describe, expect, it } from 'vitest';
import { isDenial } from '../denial/denial.ts';
import { grpcCallFields, grpcMetadata } from './grpc-metadata.ts';
import type { Operation } from '../operation.ts';

const fieldsOf = (...rawHeaders: string[]) => grpcCallFields({ rawHeaders });

/** `name: value, name: value` as name, value, name, value. */
const fields = (...lines: string[]): string[] =>
  lines.flatMap((line) => line.split(', ')).flatMap((pair) => pair.split(': '));

describe('grpcCallFields', () => {
  it.each<[string, number]>([
    ['1H', 3_600_000],
    ['2M', 120_000],
    ['30S', 30_000],
    ['250m', 250],
    ['1500u', 2],
    ['1n', 1],
    ['0S', 0],
    ['99999999H', 99_999_999 * 3_600_000],
  ])('reads the timeout %s', (text, ms) => {
    expect(fieldsOf('grpc-timeout', text)).toEqual({ encoding: 'identity', timeout: { text, ms } });
  });

  it.each(['', '1', 'S', '1s', '-1S', '1.5S', '999999999S', '1 S', '1S,1S'])('refuses the timeout %j', (text) => {
    expect(fieldsOf('grpc-timeout', text)).toMatchObject({ reason: 'header_malformed' });
  });

  it('accepts exactly three encodings', () => {
    for (const encoding of ['identity', 'gzip', 'deflate']) {
      expect(fieldsOf('grpc-encoding', encoding)).toEqual({ encoding });
    }
    for (const encoding of ['', 'GZIP', 'snappy', 'zstd', 'gzip, gzip', 'gzip,identity']) {
      expect(fieldsOf('grpc-encoding', encoding)).toMatchObject({ reason: 'content_encoding' });
    }
  });

  it.each(['grpc-timeout', 'grpc-encoding'])('refuses a repeated %s', (name) => {
    expect(fieldsOf(name, '1S', name, '1S')).toMatchObject({ reason: 'header_repeated' });
  });

  it('accepts a call without any of the fields', () => {
    const fields = fieldsOf('content-type', 'application/grpc');
    expect(isDenial(fields)).toBe(false);
    expect(fields).toEqual({ encoding: 'identity' });
  });
});

describe('grpcMetadata', () => {
  const operation: Operation = {
    protocol: 'grpc',
    kind: 'model',
    model: { namespace: 'fraud', name: 'iris' },
    verb: 'predict',
    upstream: { origins: ['http://127.0.0.1:8081'], host: 'iris-predictor.fraud.svc' },
    method: 'POST',
    path: '/inference.GRPCInferenceService/ModelInfer',
  };

  it('forwards only the trace, the CloudEvents attributes and the deadline of a caller', () => {
    const rawHeaders = fields(
      'host: iris.fraud.models.example.com, content-type: application/grpc+proto, te: trailers, user-agent: grpc-node',
      'authorization: Bearer x, x-api-key: x, cookie: a=b, credential-bin: eA==, inference-header-content-length: 5',
      'grpc-timeout: 5S, grpc-encoding: gzip, grpc-accept-encoding: gzip, x-request-id: mine',
      'traceparent: 00-1, tracestate: a=1, b3: 1, ce-id: 42',
      'triton-grpc-protocol-admin: x, mm-vmodel-id: x, mm-model-id-bin: eA==, kubeflow-userid: root',
      'grpc-status: 0, grpc-internal-encoding-request: gzip, grpc-previous-rpc-attempts: 1',
      'x-forwarded-for: 10.0.0.1, x-gateway-model-name: other',
    );
    const timeout = { text: '5S', ms: 5000 };
    expect(grpcMetadata({ rawHeaders }, operation, { requestId: 'id', timeout })).toEqual(
      fields(
        ':authority: iris-predictor.fraud.svc, content-type: application/grpc, te: trailers',
        'x-request-id: id, grpc-timeout: 5S, grpc-accept-encoding: gzip',
        'traceparent: 00-1, tracestate: a=1, b3: 1, ce-id: 42',
      ),
    );
  });

  it('asks for an uncompressed answer if it has to be filtered', () => {
    const rawHeaders = ['host', 'h', 'grpc-accept-encoding', 'gzip'];
    const metadata = grpcMetadata(
      { rawHeaders },
      { ...operation, kind: 'list' },
      { requestId: 'id', timeout: undefined },
    );
    expect(metadata.slice(-2)).toEqual(['grpc-accept-encoding', 'identity']);
  });
});
