import type { Operation, Upstream, UpstreamTls } from '@modelgate/protocols';
import { CertificateAuthority, type IssuedCertificate } from '@modelgate/testing';
import { once } from 'node:events';
import { createServer as createPlainServer, ServerResponse, IncomingMessage, type Server } from 'node:http';
import { createServer } from 'node:https';
import { Socket, type AddressInfo } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { UpstreamPoolOptions } from './known-origins.ts';
import { UpstreamPool } from './upstream-pool.ts';

let authority: CertificateAuthority;
let stranger: CertificateAuthority;
let serving: IssuedCertificate;
const callers = new Map<string, IssuedCertificate>();
const running: { server?: Server; pool?: UpstreamPool } = {};
beforeAll(async () => {
  [authority, stranger] = await Promise.all([CertificateAuthority.create(), CertificateAuthority.create('Other')]);
  serving = await authority.issue({ names: ['iris.internal'] });
  for (const name of ['common', 'a', 'b']) callers.set(name, await authority.issue({ names: [name] }));
});
afterEach(async () => {
  await running.pool?.close();
  running.server?.closeAllConnections();
  running.server?.close();
});

async function listen(server: Server): Promise<string> {
  running.server = server;
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The certificate that each connection presented, in the order of the requests. */
async function mutualTls(): Promise<{ origin: string; connections: [TLSSocket, string][] }> {
  const connections: [TLSSocket, string][] = [];
  const options = { ...serving, ca: authority.cert, requestCert: true, rejectUnauthorized: true };
  const server = createServer(options, ({ socket }, response) => {
    connections.push([socket as TLSSocket, (socket as TLSSocket).getPeerCertificate().subject.CN as string]);
    response.end('ok');
  });
  return { origin: `https://${await listen(server)}`, connections };
}

function poolWith(options: UpstreamPoolOptions): UpstreamPool {
  return (running.pool = new UpstreamPool(options));
}

/** The status of the answer, or the reason why there was none. */
function ask(pool: UpstreamPool, upstream: Upstream): Promise<number | string> {
  const model = { namespace: 'fraud', name: 'iris' };
  const operation: Operation = {
    protocol: 'v1',
    kind: 'model',
    verb: 'metadata',
    model,
    upstream,
    method: 'GET',
    path: '/',
  };
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  return new Promise((resolve) => {
    const forwarding = { operation, headers: ['host', 'm'], body: null, maxBodyBytes: 1, response };
    pool.forward(forwarding, {
      extraHeaders: [],
      onDone: resolve,
      onRefused: resolve,
      onBroken: (e) => resolve(e.message),
    });
  });
}

const trusting = (own: UpstreamTls | undefined) => (): ConnectionOptions => ({
  ca: own?.caFile === 'other' ? stranger.cert : authority.cert,
  servername: own?.serverName ?? 'iris.internal',
  ...callers.get(own?.certFile ?? 'common'),
});

const to = (origin: string, tls?: UpstreamTls): Upstream => ({ origins: [origin], host: 'm', ...(tls && { tls }) });

describe('connections over TLS', () => {
  it('are shared only by models with the same TLS settings', async () => {
    const { origin, connections } = await mutualTls();
    const pool = poolWith({ tls: trusting });
    const identities: (UpstreamTls | undefined)[] = [undefined, { certFile: 'a' }, { certFile: 'b' }];
    for (let round = 0; round < 3; round++) {
      for (const tls of identities) expect(await ask(pool, to(origin, tls))).toBe(200);
    }
    expect(connections.map(([, name]) => name)).toEqual(['common', 'a', 'b', 'common', 'a', 'b', 'common', 'a', 'b']);
    expect(new Set(connections.map(([socket]) => socket)).size).toBe(3);
  });

  it('are not reused for a model that does not trust the server', async () => {
    const { origin, connections } = await mutualTls();
    const pool = poolWith({ tls: trusting });
    expect(await ask(pool, to(origin))).toBe(200);
    expect(await ask(pool, to(origin, { caFile: 'other' }))).toBe('upstream_unreachable');
    expect(await ask(pool, to(origin, { serverName: 'risk.internal' }))).toBe('upstream_unreachable');
    expect(await ask(pool, to(origin, { serverName: 'iris.internal' }))).toBe(200);
    expect(connections).toHaveLength(2);
  });
});

describe('the timeout of an answer', () => {
  it('is the one of the model, or else the default', async () => {
    const origin = `http://${await listen(createPlainServer((_, response) => void setTimeout(() => response.end(), 4_000)))}`;
    const pool = poolWith({ firstByteMs: 1_000 });
    const asked = [undefined, { firstByteMs: 30_000 }, { idleMs: 30_000 }].map((timeouts) =>
      ask(pool, { ...to(origin), ...(timeouts && { timeouts }) }),
    );
    expect(await Promise.all(asked)).toEqual(['upstream_timeout', 200, 'upstream_timeout']);
  });

  it('between two pieces is the one of the model as well', async () => {
    const server = createPlainServer((_, response) => {
      response.write('piece');
      setTimeout(() => response.end('another'), 4_000);
    });
    const origin = `http://${await listen(server)}`;
    const pool = poolWith({ idleMs: 30_000 });
    const asked = [{ idleMs: 1_000 }, { firstByteMs: 1_000 }].map((timeouts) => ask(pool, { ...to(origin), timeouts }));
    expect(await Promise.all(asked)).toEqual([expect.stringMatching('silent for 1000 ms'), 200]);
  });
});
