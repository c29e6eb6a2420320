import { postgres, type PostgresServer } from '@modelgate/real-parts';
import { CertificateAuthority } from '@modelgate/testing';
import { writeFileSync } from 'node:fs';
import { Agent, request, type RequestOptions } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Deployment, RealmDouble, type Running } from './token-service.fixture.ts';

let server: PostgresServer & { stop(): Promise<void> };
let realm: RealmDouble;
let authority: CertificateAuthority;
let deployment: Deployment;
let deployments = 0;
beforeAll(async () => {
  [server, realm, authority] = await Promise.all([
    postgres.start(),
    new RealmDouble().start(),
    CertificateAuthority.create(),
  ]);
});
afterEach(() => deployment.stop());
afterAll(async () => {
  await realm.stop();
  await server.stop();
});

interface Answer {
  status: number | undefined;
  headers: IncomingHttpHeaders;
  body: string;
  serial: string;
  socket: Socket;
}

function get(url: string, more: RequestOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(url, { ca: authority.cert, agent: false, ...more }, (answer) => {
      const certificate: PeerCertificate = (answer.socket as TLSSocket).getPeerCertificate();
      const answered = { status: answer.statusCode, headers: answer.headers, socket: answer.socket };
      let body = '';
      answer.on('data', (chunk: Buffer) => (body += chunk.toString()));
      answer.on('end', () => resolve({ ...answered, body, serial: certificate.serialNumber }));
    });
    call.on('error', reject);
    call.end();
  });
}

async function install(): Promise<void> {
  const { cert, key } = await authority.issue({ names: ['localhost', '127.0.0.1'] });
  writeFileSync(join(deployment.folder, 'tls.crt'), cert);
  writeFileSync(join(deployment.folder, 'tls.key'), key);
}

/** With a database of its own: another deployment's keys could not be opened with this one's key-encryption key. */
async function deploy(): Promise<Deployment> {
  return new Deployment(realm.url, await server.createDatabase(`https_${++deployments}`));
}

async function start(more: Record<string, string> = {}): Promise<Running> {
  deployment = await deploy();
  await install();
  writeFileSync(join(deployment.folder, 'ca.crt'), authority.cert);
  const at = (name: string): string => join(deployment.folder, name);
  return deployment.start({
    TLS_CERT_FILE: at('tls.crt'),
    TLS_KEY_FILE: at('tls.key'),
    TLS_RELOAD_INTERVAL: '1s',
    ...(more['mutual'] && { TLS_CLIENT_CA_FILE: at('ca.crt') }),
  });
}

async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let turn = 0; turn < 300 && !(await holds()); turn++) await sleep(100);
  expect(await holds()).toBe(true);
}

describe('the token service over HTTPS', () => {
  it('serves its keys there and nowhere else, and says to come back by HTTPS alone', async () => {
    const { url } = await start();
    expect(url).toMatch(/^https:/);
    await until(async () => (await get(`${url}/.well-known/jwks.json`)).status === 200);
    const answer = await get(`${url}/no/such/path`);
    expect([answer.status, answer.headers['strict-transport-security']]).toEqual([404, 'max-age=31536000']);
    await expect(fetch(url.replace('https:', 'http:'))).rejects.toThrow();
  });

  it('takes new certificates while it runs, and keeps the old ones while the new ones are wrong', async () => {
    const running = await start();
    const live = `${running.url}/health/live`;
    const { serial } = await get(live);
    writeFileSync(join(deployment.folder, 'tls.key'), 'half written');
    await until(() => running.log().includes('the changed certificates are not in force'));
    expect((await get(live)).serial).toBe(serial);
    await install();
    await until(async () => (await get(live)).serial !== serial);
  });

  it('closes no connection for new certificates', async () => {
    const { url } = await start();
    const { serial } = await get(`${url}/health/live`);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const kept = await get(`${url}/health/live`, { agent });
    await install();
    await until(async () => (await get(`${url}/health/live`)).serial !== serial);
    expect((await get(`${url}/health/live`, { agent })).socket).toBe(kept.socket);
    agent.destroy();
  });

  it.each([
    ['TLS 1.1', { maxVersion: 'TLSv1.1', minVersion: 'TLSv1.1' } as const],
    ['a cipher without forward secrecy', { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' } as const],
  ])('refuses %s', async (_, options) => {
    const { url } = await start();
    await expect(get(`${url}/health/live`, options)).rejects.toThrow();
  });

  it('believes the new authority of its callers, and no longer the old one, once that has changed', async () => {
    const { url } = await start({ mutual: 'yes' });
    const other = await CertificateAuthority.create('Other CA');
    const [known, newcomer] = [await authority.issue({ names: ['caller'] }), await other.issue({ names: ['caller'] })];
    expect((await get(`${url}/health/live`, known)).status).toBe(200);
    await expect(get(`${url}/health/live`, newcomer)).rejects.toThrow();
    writeFileSync(join(deployment.folder, 'ca.crt'), other.cert);
    await until(() =>
      get(`${url}/health/live`, newcomer).then(
        ({ status }) => status === 200,
        () => false,
      ),
    );
    await expect(get(`${url}/health/live`, known)).rejects.toThrow();
  });

  it('admits only callers with a certificate, where it is told to', async () => {
    const { url } = await start({ mutual: 'yes' });
    const known = await authority.issue({ names: ['caller'] });
    expect((await get(`${url}/health/live`, known)).status).toBe(200);
    await expect(get(`${url}/health/live`)).rejects.toThrow();
  });
});

describe('plain HTTP behind a trusted proxy', () => {
  it('is refused where it was plain in front of the proxy, in the words of OAuth', async () => {
    deployment = await deploy();
    const { url } = await deployment.start({ TRUSTED_PROXIES: '10.0.0.0/8', HOST: '127.0.0.1' });
    const secure = await fetch(`${url}/health/live`, { headers: { 'x-forwarded-proto': 'https' } });
    expect([secure.status, secure.headers.get('strict-transport-security')]).toEqual([200, 'max-age=31536000']);
    const plain = await fetch(`${url}/oauth2/token`, { method: 'POST', headers: { 'x-forwarded-proto': 'http' } });
    expect([plain.status, await plain.json()]).toEqual([400, expect.objectContaining({ error: 'invalid_request' })]);
  });
});
