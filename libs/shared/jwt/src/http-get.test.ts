import { createServer, type RequestListener, type Server } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { httpGet } from './http-get.ts';

const open: Server[] = [];

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
}

afterEach(async () => {
  for (const server of open.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

const limits = { maxBytes: 1000, timeoutMs: 5000 };

describe('httpGet', () => {
  it('gives status, headers and body, and sends its headers', async () => {
    const url = await serve((request, response) => {
      response.writeHead(203, { etag: '"1"' }).end(`${request.headers.accept} ${request.headers['if-none-match']}`);
    });
    const { status, headers, body } = await httpGet(url, { ...limits, headers: { 'if-none-match': '"0"' } });
    expect(status).toBe(203);
    expect(headers.get('etag')).toBe('"1"');
    expect(Buffer.from(body).toString()).toBe('application/json "0"');
  });

  it('gives a 304 and a failure as they are', async () => {
    const url = await serve((request, response) => void response.writeHead(Number(request.url?.slice(1))).end());
    expect((await httpGet(`${url}/304`, limits)).status).toBe(304);
    expect((await httpGet(`${url}/503`, limits)).status).toBe(503);
  });

  it.each([301, 302, 303, 307, 308])('refuses a %i and does not go where it points', async (status) => {
    const seen: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      seen.push(request.url);
      response.writeHead(status, { location: '/elsewhere' }).end();
    });
    await expect(httpGet(`${url}/jwks`, limits)).rejects.toThrow();
    expect(seen).toEqual(['/jwks']);
  });

  it('takes a body of maxBytes and none that is longer', async () => {
    const url = await serve((request, response) => void response.end('x'.repeat(Number(request.url?.slice(1)))));
    expect((await httpGet(`${url}/1000`, limits)).body).toHaveLength(1000);
    await expect(httpGet(`${url}/1001`, limits)).rejects.toThrow('longer than 1000 bytes');
  });

  it('gives up a body that never ends', async () => {
    const url = await serve((_, response) => {
      const more = setInterval(() => response.write('x'.repeat(400)), 1);
      response.on('close', () => clearInterval(more));
    });
    await expect(httpGet(url, limits)).rejects.toThrow('longer than 1000 bytes');
  });

  it('counts the bytes of a compressed body after it is unpacked', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('x'.repeat(1_000_000)));
    });
    await expect(httpGet(url, limits)).rejects.toThrow('longer than 1000 bytes');
  });

  it.each([
    ['does not answer', () => undefined],
    ['stops in the middle', (_: unknown, response: { write(text: string): unknown }) => void response.write('{')],
  ])('gives up on a server that %s', async (_, listener) => {
    const url = await serve(listener);
    await expect(httpGet(url, { ...limits, timeoutMs: 50 })).rejects.toThrow();
  });

  it('stops when it is told to', async () => {
    const url = await serve(() => undefined);
    const stopping = new AbortController();
    const asked = httpGet(url, { ...limits, signal: stopping.signal });
    stopping.abort();
    await expect(asked).rejects.toThrow();
  });

  it.each(['file:///etc/hostname', 'data:application/json,{}', 'http://127.0.0.1:1/', 'nonsense'])(
    'rejects %s',
    async (url) => {
      const result = await httpGet(url, limits).then(
        ({ status }) => status,
        (error: unknown) => error,
      );
      expect(result).toBeInstanceOf(Error);
    },
  );
});
