import { OAuthError } from '@modelgate/oauth';
import { Controller, Get, Header, HttpException, Post, Req } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { HealthModule, ReadinessChecks } from './health.ts';
import { createHttpApplication } from './http-application.ts';
import { createLogger } from './logger.ts';
import { OAuthErrorFilter } from './oauth-error-filter.ts';

class StoreAway extends Error {}

class Checks extends ReadinessChecks {
  missing: string | undefined;

  run(): Promise<Record<string, string | undefined>> {
    return Promise.resolve({ database: this.missing, keys: undefined });
  }
}

@Controller()
class SampleController {
  @Post('form')
  form(@Req() request: FastifyRequest): unknown {
    return { body: request.body };
  }

  @Get('foreseen')
  foreseen(): never {
    throw new OAuthError('invalid_scope', 'said to the caller', { detail: 'said to the operator' });
  }

  @Get('client')
  client(): never {
    throw new OAuthError('invalid_client', 'client authentication failed');
  }

  @Get('away')
  away(): never {
    throw new StoreAway('postgresql://db.internal does not answer');
  }

  @Get('http')
  http(): never {
    throw new HttpException('quotes <what was sent>', 422);
  }

  @Get('unforeseen')
  @Header('cache-control', 'public, max-age=300')
  unforeseen(): never {
    throw new TypeError('internals at 10.0.0.1');
  }

  @Get('not-an-error')
  notAnError(): never {
    // oxlint-disable-next-line no-throw-literal
    throw null;
  }
}

class SampleModule {}

const checks = new Checks();
const log: string[] = [];
let app: NestFastifyApplication;
let url: string;

beforeAll(async () => {
  const logger = createLogger('sample', 'info', { write: (line: string) => void log.push(line) });
  const errors = new OAuthErrorFilter(logger, (error) =>
    error instanceof StoreAway ? new OAuthError('temporarily_unavailable', 'try again', { retryAfter: 2 }) : undefined,
  );
  const module = { module: SampleModule, controllers: [SampleController], imports: [HealthModule.with(checks)] };
  app = await createHttpApplication({ module, logger, errors });
  await app.listen(0, '127.0.0.1');
  url = await app.getUrl();
});
afterAll(() => app.close());
afterEach(() => void log.splice(0));

interface RawAnswer {
  status: number;
  headers: Headers;
  body: string;
}

/** Sends bytes that no HTTP client would send, and reads until the connection ends. */
function send(text: string): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => void socket.write(text, 'latin1'));
    let received = '';
    socket.on('data', (data) => (received += data.toString('latin1')));
    // A server that refuses an endless header resets the connection behind its answer.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      const [head = '', body = ''] = received.split('\r\n\r\n', 2);
      const [statusLine = '', ...fields] = head.split('\r\n');
      const headers = new Headers(fields.map((field) => field.split(/: ?/, 2) as [string, string]));
      resolve({ status: Number(statusLine.split(' ')[1]), headers, body });
    });
  });
}

const host = 'Host: x\r\nConnection: close\r\n';
const form = 'Content-Type: application/x-www-form-urlencoded\r\n';

describe('input that is refused before any controller sees it', () => {
  it.each<[string, number, string]>([
    ['a header of 20 KB', 431, `GET /form HTTP/1.1\r\n${host}X: ${'a'.repeat(20_000)}\r\n\r\n`],
    ['a path of 20 KB', 431, `GET /${'a'.repeat(20_000)} HTTP/1.1\r\n${host}\r\n`],
    ['what is not HTTP', 400, '\x16\x03\x01\x02\x00\r\n\r\n'],
    ['a NUL in a header', 400, `GET /form HTTP/1.1\r\n${host}X: a\0b\r\n\r\n`],
    ['a length that is no number', 400, `POST /form HTTP/1.1\r\n${host}${form}Content-Length: abc\r\n\r\nabc`],
    ['two lengths', 400, `POST /form HTTP/1.1\r\n${host}${form}Content-Length: 3\r\nContent-Length: 4\r\n\r\na=b`],
    [
      'a length beside chunks',
      400,
      `POST /form HTTP/1.1\r\n${host}${form}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['a broken chunk', 400, `POST /form HTTP/1.1\r\n${host}${form}Transfer-Encoding: chunked\r\n\r\nzz\r\n`],
    ['a length above the limit', 413, `POST /form HTTP/1.1\r\n${host}${form}Content-Length: 70000\r\n\r\n`],
    [
      'chunks above the limit',
      413,
      `POST /form HTTP/1.1\r\n${host}${form}Transfer-Encoding: chunked\r\n\r\n11170\r\n${'a'.repeat(70_000)}\r\n0\r\n\r\n`,
    ],
    ['a body without a type', 415, `POST /form HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\na=b`],
    ['an empty type', 415, `POST /form HTTP/1.1\r\n${host}Content-Type: \r\nContent-Length: 3\r\n\r\na=b`],
    ['JSON', 415, `POST /form HTTP/1.1\r\n${host}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`],
    [
      'a type that only begins as ours',
      415,
      `POST /form HTTP/1.1\r\n${host}${form.trimEnd()}x\r\nContent-Length: 3\r\n\r\na=b`,
    ],
    ['another method, whatever its body', 405, `PUT /form HTTP/1.1\r\n${host}Content-Length: 2\r\n\r\n{}`],
    ['GET where only POST is', 405, `GET /form HTTP/1.1\r\n${host}\r\n`],
    ['TRACE', 405, `TRACE /form HTTP/1.1\r\n${host}\r\n`],
    ['another path', 404, `GET /nothing HTTP/1.1\r\n${host}\r\n`],
    ['another case', 404, `POST /Form HTTP/1.1\r\n${host}\r\n`],
    ['a trailing slash', 404, `POST /form/ HTTP/1.1\r\n${host}\r\n`],
    ['a doubled slash', 404, `POST //form HTTP/1.1\r\n${host}\r\n`],
    ['no Host', 400, 'GET /foreseen HTTP/1.1\r\nConnection: close\r\n\r\n'],
    ['two Hosts', 400, `GET /foreseen HTTP/1.1\r\nHost: y\r\n${host}\r\n`],
    ['an unknown expectation', 417, `GET /foreseen HTTP/1.1\r\n${host}Expect: 200-ok\r\n\r\n`],
    ['a path that is not UTF-8', 400, `GET /%ff HTTP/1.1\r\n${host}\r\n`],
  ])('%s: %i in the JSON of RFC 6749, one line in the log, the id in both', async (_, status, request) => {
    const answer = await send(request);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toContain('application/json');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(JSON.parse(answer.body)).toEqual({
      error: 'invalid_request',
      error_description: expect.stringMatching(/^[\da-z /-]+$/i) as string,
    });
    expect(log).toHaveLength(1);
    expect(JSON.parse(log[0] ?? '')).toMatchObject({
      msg: 'refused',
      level: 'warn',
      status,
      requestId: answer.headers.get('x-request-id'),
      reason: expect.any(String) as string,
    });
  });

  it('says which method a path has (RFC 9110 §15.5.6)', async () => {
    expect((await fetch(`${url}/form`)).headers.get('allow')).toBe('POST');
    expect((await fetch(`${url}/foreseen`, { method: 'POST' })).headers.get('allow')).toBe('GET');
  });

  it('takes a form with a charset, in any case', async () => {
    const answer = await send(
      `POST /form HTTP/1.1\r\n${host}Content-Type: Application/X-WWW-Form-Urlencoded; charset=UTF-8\r\nContent-Length: 3\r\n\r\na=b`,
    );
    expect(JSON.parse(answer.body)).toEqual({ body: 'a=b' });
  });

  it('gives what comes behind an answered request an id of its own', async () => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    const received = async (): Promise<string> => String(((await once(socket, 'data')) as [Buffer])[0]);
    const idIn = (answer: string): string | undefined => /^x-request-id: (.+)\r$/m.exec(answer)?.[1];
    socket.write('GET /health/live HTTP/1.1\r\nHost: x\r\nX-Request-Id: callers-own-1\r\n\r\n');
    expect(idIn(await received())).toBe('callers-own-1');
    socket.write('garbage\r\n\r\n');
    const refused = idIn(await received());
    expect(refused).toBe((JSON.parse(log.join('')) as { requestId: string }).requestId);
    expect(refused).not.toBe('callers-own-1');
    socket.destroy();
  });

  it('logs what comes behind a whole request on the same connection', async () => {
    const first = await send(`POST /form HTTP/1.1\r\nHost: x\r\n${form}Content-Length: 3\r\n\r\na=bgarbage\r\n\r\n`);
    expect(first.status).toBeGreaterThan(0);
    expect(log.map((line) => (JSON.parse(line) as { path: string }).path)).toContain('unparsed');
  });
});

describe('errors', () => {
  const get = (path: string, headers: Record<string, string> = {}): Promise<Response> => fetch(url + path, { headers });

  it('gives the caller the public half and the operator the other one', async () => {
    const answer = await get('/foreseen', { 'x-request-id': 'callers-own-1' });
    expect(answer.status).toBe(400);
    expect(answer.headers.get('x-request-id')).toBe('callers-own-1');
    expect(await answer.json()).toEqual({ error: 'invalid_scope', error_description: 'said to the caller' });
    expect(JSON.parse(log.join(''))).toMatchObject({ requestId: 'callers-own-1', reason: 'said to the operator' });
  });

  it('challenges with Basic a client that used the Authorization header, and no other (RFC 6749 §5.2)', async () => {
    const challenged = await get('/client', { authorization: 'Basic eDp5' });
    expect(challenged.status).toBe(401);
    expect(challenged.headers.get('www-authenticate')).toMatch(/^Basic realm=/);
    const other = await get('/client');
    expect(other.status).toBe(401);
    expect(other.headers.has('www-authenticate')).toBe(false);
  });

  it('answers what passes with 503 and Retry-After, without the cause', async () => {
    const answer = await get('/away');
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('2');
    expect(await answer.text()).not.toContain('internal');
  });

  it('keeps the status of an HTTP error and none of its text', async () => {
    const answer = await get('/http');
    expect(answer.status).toBe(422);
    expect(await answer.text()).not.toContain('what was sent');
  });

  it.each(['/unforeseen', '/not-an-error'])(
    'answers %s with a 500 that says nothing and is not cached',
    async (path) => {
      const answer = await get(path);
      expect(answer.status).toBe(500);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      const body = (await answer.json()) as Record<string, unknown>;
      expect(body['error']).toBe('server_error');
      expect(JSON.stringify(body)).not.toMatch(/internals|10\.0\.0\.1|TypeError/);
      expect(JSON.parse(log.join(''))).toMatchObject({ level: 'error', requestId: answer.headers.get('x-request-id') });
    },
  );

  it('logs the cause of an unforeseen error', async () => {
    await get('/unforeseen');
    expect(log.join('')).toContain('internals at 10.0.0.1');
  });
});

describe('health', () => {
  it('is live whatever is missing, and ready when nothing is', async () => {
    checks.missing = 'does not answer';
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    const unready = await fetch(`${url}/health/ready`);
    expect(unready.status).toBe(503);
    expect(await unready.json()).toEqual({
      status: 'not ready',
      checks: { database: 'does not answer', keys: 'ok' },
    });
    checks.missing = undefined;
    const ready = await fetch(`${url}/health/ready`);
    expect(ready.status).toBe(200);
    expect(ready.headers.get('cache-control')).toBe('no-store');
    expect(await ready.json()).toEqual({ status: 'ok', checks: { database: 'ok', keys: 'ok' } });
  });
});

describe('an application that stops', () => {
  it('answers what still reaches it on an open connection, in its own words, and ends the connection', async () => {
    const logger = createLogger('sample', 'error', { write: () => undefined });
    let answer = (): void => undefined;
    const waiting = new Promise<void>((resolve) => (answer = resolve));
    @Controller()
    class SlowController {
      @Get('slow')
      async slow(): Promise<string> {
        await waiting;
        return 'answered';
      }
    }
    const module = { module: class SlowModule {}, controllers: [SlowController] };
    const stopping = await createHttpApplication({ module, logger, errors: new OAuthErrorFilter(logger) });
    await stopping.listen(0, '127.0.0.1');
    const socket = connect(Number(new URL(await stopping.getUrl()).port), '127.0.0.1');
    let received = '';
    socket.on('data', (data) => (received += data.toString('latin1')));
    socket.write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n');
    await new Promise((resolve) => setTimeout(resolve, 50));
    const closed = stopping.close();
    socket.write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n');
    await new Promise((resolve) => setTimeout(resolve, 50));
    answer();
    await Promise.all([closed, once(socket, 'close')]);
    expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200']);
    expect(received).toMatch(/connection: close/i);
  });
});
