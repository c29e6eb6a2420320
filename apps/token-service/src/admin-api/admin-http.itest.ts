import { suiteCases, suitesMissing } from '@modelgate/testing';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AdminBed } from './admin.fixture.ts';

let bed: AdminBed;
beforeAll(async () => {
  bed = await AdminBed.start();
});
afterAll(() => bed.stop());

/** Bytes in, bytes out, until the other side closes. */
async function raw(bytes: string): Promise<string> {
  const { port, hostname } = new URL(bed.service.adminUrl ?? '');
  const socket = connect(Number(port), hostname, () => void socket.write(bytes));
  return String(await buffer(socket));
}

async function send(body: string | Buffer, type = 'application/json', path = '/keys/rotate'): Promise<Response> {
  return fetch(`${bed.service.adminUrl}/admin/v1${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${bed.admin('key-custodian')}`, 'content-type': type },
    body,
  });
}

interface JsonCase {
  name: string;
  b64: string | null;
  repeat: { unit_b64: string; times: number } | null;
}

function bodyOf({ b64, repeat }: JsonCase): Buffer {
  if (repeat === null) return Buffer.from(b64 ?? '', 'base64');
  const unit = Buffer.from(repeat.unit_b64, 'base64');
  return Buffer.alloc(unit.length * repeat.times, unit);
}

describe('the admin API refuses in problem details (RFC 9457)', () => {
  it.each<[string, number, string, string, unknown]>([
    ['no reason', 400, 'POST', '/keys/rotate', {}],
    ['no reason, but force', 400, 'POST', '/keys/rotate', { force: true }],
    ['a reason of spaces', 400, 'POST', '/keys/rotate', { reason: '    ' }],
    ['an unknown member', 400, 'POST', '/keys/rotate', { reason: 'because', froce: true }],
    ['a member of another type', 400, 'POST', '/keys/rotate', { reason: 'because', force: 'yes' }],
    ['an unknown algorithm', 400, 'POST', '/keys/rotate', { reason: 'because', alg: 'HS256' }],
    ['a ladder that is not kept', 409, 'POST', '/keys/rotate', { reason: 'because', alg: 'PS256' }],
    [
      'a spare of an algorithm that is not configured',
      409,
      'POST',
      '/keys/prepare',
      { reason: 'because', alg: 'EdDSA' },
    ],
    ['an array', 400, 'POST', '/keys/rotate', []],
    ['no body', 400, 'POST', '/keys/rotate', undefined],
    ['an unknown key', 404, 'POST', '/keys/nobody/revoke', { reason: 'because' }],
    ['a key named with a NUL', 404, 'POST', '/keys/%00/revoke', { reason: 'because' }],
    ['a key named too long', 414, 'POST', `/keys/${'k'.repeat(129)}/revoke`, { reason: 'because' }],
    ['a path that cannot be decoded', 400, 'POST', '/keys/a%zz/revoke', { reason: 'because' }],
    ['a rehearsal of a negative time', 400, 'GET', '/keys/rehearsal?within=-1', undefined],
    ['a rehearsal of two times', 400, 'GET', '/keys/rehearsal?within=1&within=2', undefined],
    ['a rehearsal of a thousand years', 400, 'GET', '/keys/rehearsal?within=31536000000', undefined],
    ['a path that is not there', 404, 'GET', '/key', undefined],
    ['a path with one slash more', 404, 'GET', '/keys/', undefined],
    ['a path in capitals', 404, 'GET', '/KEYS', undefined],
  ])('%s: %i', async (_, status, method, path, body) => {
    const token = bed.admin('viewer', 'operator', 'key-custodian');
    const answer = await bed.call(method, path, token, body);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.body).toMatchObject({
      status,
      title: expect.any(String) as string,
      instance: answer.headers.get('x-request-id'),
    });
  });

  it.each([
    ['DELETE', '/keys', 'GET, HEAD'],
    ['POST', '/keys', 'GET, HEAD'],
    ['GET', '/keys/rotate', 'POST'],
    ['PUT', '/keys/some-kid/revoke', 'POST'],
    ['POST', '/openapi.json', 'GET, HEAD'],
  ])('%s %s: 405 with the methods there are', async (method, path, allow) => {
    const answer = await bed.call(method, path, bed.admin('key-custodian'));
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe(allow);
    expect(answer.body).toMatchObject({ status: 405 });
  });

  it.each<[string, number, string, string]>([
    ['half a body', 400, '{', 'application/json'],
    ['a member twice', 400, '{"reason":"one","reason":"two"}', 'application/json'],
    ['a form', 415, 'reason=x', 'application/x-www-form-urlencoded'],
    ['plain text', 415, '{"reason":"because"}', 'text/plain'],
    ['no media type', 415, '{"reason":"because"}', ''],
    ['too much', 413, JSON.stringify({ reason: 'x'.repeat(70_000) }), 'application/json'],
  ])('%s: %i', async (_, status, body, type) => {
    const answer = await send(body, type);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(await answer.json()).toMatchObject({ status });
  });

  it.each<[string, number, string]>([
    ['what is not HTTP', 400, 'garbage\r\n\r\n'],
    ['HTTP of another kind', 400, 'GET /admin/v1/keys HTTP/9.9\r\nHost: a\r\n\r\n'],
    ['a header that is too large', 431, `GET /admin/v1/keys HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`],
    [
      'two lengths',
      400,
      'POST /admin/v1/keys/rotate HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
    ],
    [
      'a length and chunks',
      400,
      'POST /admin/v1/keys/rotate HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    ],
    ['no host', 400, 'GET /admin/v1/keys HTTP/1.1\r\nConnection: close\r\n\r\n'],
    ['two hosts', 400, 'GET /admin/v1/keys HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n'],
  ])('%s: %i', async (_, status, bytes) => {
    const received = await raw(bytes);
    expect(received).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(received.toLowerCase()).toContain('content-type: application/problem+json');
    expect(JSON.parse(received.slice(received.indexOf('\r\n\r\n')))).toMatchObject({ status });
  });

  it('whatever JSON is sent: none of JSONTestSuite changes a key or is a 500', async ({ skip }) => {
    skip(suitesMissing !== undefined, suitesMissing);
    const before = (await bed.keys()).map(({ kid }) => kid);
    const cases = suiteCases<JsonCase>('json/jsontestsuite.json');
    const wrong: string[] = [];
    for (const one of cases) {
      const body = bodyOf(one);
      const { status } = await send(body);
      if (status !== (body.length > 65_536 ? 413 : 400)) wrong.push(`${one.name}: ${status}`);
    }
    expect(cases).toHaveLength(340);
    expect(wrong).toEqual([]);
    expect((await bed.keys()).map(({ kid }) => kid)).toEqual(before);
  });
});
