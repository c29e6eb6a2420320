import { Readable } from 'node:stream';
import type { RawRequest } from '@modelgate/protocols';
import type { AnswerSink } from '@modelgate/upstream';
import { describe, expect, it, vi } from 'vitest';
import { DataPlane, type DataPlaneOptions } from './data-plane.ts';

describe('an unexpected error in the data plane', () => {
  it('is answered with 500 internal_error, and its cause is only in the log', () => {
    const error = vi.fn();
    const fields = (): never => {
      throw new TypeError('a fault');
    };
    const options = { callers: { fields }, logger: { error }, maxBodyBytes: 1 } as unknown as DataPlaneOptions;
    const raw: RawRequest = { method: 'GET', url: '/v1/models', httpVersion: '1.1', rawHeaders: [] };
    const answer = { writableEnded: false, headersSent: false, destroyed: false, writeHead: vi.fn(), end: vi.fn() };
    new DataPlane(options).handle({
      raw,
      body: Readable.from([]),
      answer: answer as unknown as AnswerSink,
      remoteAddress: undefined,
    });
    expect(answer.writeHead).toHaveBeenCalledWith(500, expect.any(Array));
    const body = String(answer.end.mock.calls[0]?.[0]);
    expect(JSON.parse(body)).toMatchObject({ reason: 'internal_error', error: 'The gateway failed unexpectedly.' });
    expect(body).not.toContain('a fault');
    expect(error.mock.calls[0]).toEqual([
      expect.objectContaining({ cause: expect.stringContaining('a fault') }),
      'unexpected error',
    ]);
    expect(error.mock.calls[1]?.[0]).toMatchObject({ status: 500, reason: 'internal_error' });
  });
});
