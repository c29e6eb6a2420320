import { CertificateAuthority } from '@modelgate/testing';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { get } from 'node:http';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readConfig } from './config.ts';
import { predictPath, TestBed } from './gateway.fixture.ts';

let authority: CertificateAuthority;
let stranger: CertificateAuthority;
let folder: string;
let bed: TestBed | undefined;
beforeAll(async () => {
  [authority, stranger] = await Promise.all([CertificateAuthority.create(), CertificateAuthority.create('Other CA')]);
});
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'modelgate-https-'));
  await install();
  writeFileSync(join(folder, 'ca.crt'), authority.cert);
});
afterEach(async () => {
  await bed?.stop();
  bed = undefined;
  rmSync(folder, { recursive: true });
});

async function install(names = ['localhost', '127.0.0.1'], days = 30): Promise<void> {
  const { cert, key } = await authority.issue({ names, days });
  writeFileSync(join(folder, 'tls.crt'), cert);
  writeFileSync(join(folder, 'tls.key'), key);
}

const tlsSettings = () => ({
  TLS_CERT_FILE: join(folder, 'tls.crt'),
  TLS_KEY_FILE: join(folder, 'tls.key'),
  TLS_RELOAD_INTERVAL: '1s',
});

const body = '{"instances":[[1,2,3,4]]}';

function open(options: ConnectionOptions = {}): Promise<TLSSocket> {
  const port = Number(new URL(bed?.gateway.url ?? '').port);
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', ca: authority.cert, servername: 'localhost', ...options });
    socket.once('secureConnect', () => resolve(socket));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed')));
  });
}

/** One request over `socket`: its answer as text. */
async function ask(socket: TLSSocket): Promise<string> {
  const head = `POST ${predictPath} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${bed?.issuer.sign()}`;
  const answered = new Promise<string>((resolve, reject) => {
    socket.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1')));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed')));
  });
  socket.write(`${head}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  return answered;
}

const serial = (socket: TLSSocket): string => socket.getPeerCertificate().serialNumber;

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 600 && !(await holds()); turn++) await sleep(50);
  expect(await holds()).toBe(true);
}

describe('HTTPS', () => {
  it('serves HTTP/1.1 and HTTP/2 on one port, and says to come back by HTTPS alone', async () => {
    bed = await TestBed.start(tlsSettings());
    expect(bed.gateway.url).toMatch(/^https:/);
    const answer = await ask(await open());
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toMatch(/\r\nstrict-transport-security: max-age=31536000\r\n/i);
    const session = connectHttp2(bed.gateway.url.replace('127.0.0.1', 'localhost'), { ca: authority.cert });
    const headers = await new Promise<Record<string, unknown>>((resolve, reject) => {
      session.on('error', reject);
      const authorization = `Bearer ${bed?.issuer.sign()}`;
      const stream = session.request({ ':method': 'POST', ':path': predictPath, authorization });
      stream.on('response', resolve);
      stream.on('error', reject);
      stream.end(body);
    });
    expect([headers[':status'], headers['strict-transport-security']]).toEqual([200, 'max-age=31536000']);
    session.destroy();
  });

  it.each<[string, ConnectionOptions]>([
    ['TLS 1.1', { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' }],
    ['a cipher without forward secrecy', { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' }],
    [
      'a cipher without authentication of what it encrypts',
      { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' },
    ],
  ])('refuses %s', async (_what, options) => {
    bed = await TestBed.start(tlsSettings());
    await expect(open(options)).rejects.toThrow();
  });

  it('takes new certificates without closing a connection, and keeps the old ones while the new ones are wrong', async () => {
    bed = await TestBed.start(tlsSettings());
    const before = await open();
    await ask(before);
    writeFileSync(join(folder, 'tls.crt'), 'half written');
    await until(() => bed?.log.includes('the changed certificates are not in force') === true);
    expect(serial(await open())).toBe(serial(before));
    await install();
    await until(async () => serial(await open()) !== serial(before));
    expect(await ask(before)).toMatch(/^HTTP\/1\.1 200 /);
    expect(bed.log).not.toMatch(/PRIVATE KEY/);
  });

  it('admits only callers with a certificate of its authority, also after that has changed', async () => {
    bed = await TestBed.start({ ...tlsSettings(), TLS_CLIENT_CA_FILE: join(folder, 'ca.crt') });
    const known = await authority.issue({ names: ['caller'] });
    const unknown = await stranger.issue({ names: ['caller'] });
    const asks = (options: ConnectionOptions) =>
      open(options)
        .then(ask)
        .catch(() => 'refused');
    expect(await asks(known)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await asks({})).toBe('refused');
    expect(await asks(unknown)).toBe('refused');
    const session = (await open({ ...known, maxVersion: 'TLSv1.2' })).getSession();
    writeFileSync(join(folder, 'ca.crt'), stranger.cert);
    await until(async () => (await asks(unknown)).startsWith('HTTP/1.1 200 '));
    const { length } = bed.model.seen;
    expect(await asks(known)).toBe('refused');
    expect(await asks({ ...known, maxVersion: 'TLSv1.2', ...(session && { session }) })).toBe('refused');
    expect(bed.model.seen).toHaveLength(length);
  });

  it('resets the connection of an answer that breaks off, since HTTP/1.0 would take a close for its end', async () => {
    bed = await TestBed.start({ ...tlsSettings(), UPSTREAM_IDLE_TIMEOUT: '1s' });
    bed.model.behaviour = 'trickle-then-silence';
    const socket = await open();
    let received = '';
    socket.on('data', (bytes: Buffer) => (received += bytes.toString('latin1')));
    const end = new Promise((resolve) => {
      socket.once('end', () => resolve('an end'));
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    });
    const head = `POST ${predictPath} HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer ${bed.issuer.sign()}`;
    socket.write(`${head}\r\nContent-Length: 2\r\n\r\n{}`);
    expect(await end).toBe('ECONNRESET');
    expect(received).toContain('data: x');
  });

  it('waits for a handshake no longer than for headers', async () => {
    bed = await TestBed.start({ ...tlsSettings(), HEADERS_TIMEOUT: '1s' });
    const silent = connectTcp(Number(new URL(bed.gateway.url).port), '127.0.0.1');
    silent.on('error', () => undefined).resume();
    const began = performance.now();
    await once(silent, 'close');
    expect(performance.now() - began).toBeLessThan(9_000);
    expect(await ask(await open())).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('answers plain HTTP with nothing', async () => {
    bed = await TestBed.start(tlsSettings());
    const port = Number(new URL(bed.gateway.url).port);
    await expect(
      new Promise((resolve, reject) => get({ port, host: '127.0.0.1' }, resolve).on('error', reject)),
    ).rejects.toThrow();
    expect(await ask(await open())).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('plain HTTP', () => {
  const settings = { TOKEN_ISSUER: 'https://t.example', MODEL_AUDIENCE: 'https://m.example', CATALOGUE_FILE: 'x' };

  it('is refused at start anywhere but on loopback, with the remedy', () => {
    const problems = (): unknown => {
      try {
        readConfig({ ...settings, HOST: '0.0.0.0' });
      } catch (error) {
        return (error as { problems?: unknown }).problems;
      }
      return undefined;
    };
    expect(problems()).toEqual([expect.stringMatching(/^HOST is not loopback.*TLS_CERT_FILE.*TRUSTED_PROXIES/)]);
  });

  it('behind a trusted proxy is taken from that proxy alone, and never where it was plain in front of it', async () => {
    bed = await TestBed.start({ TRUSTED_PROXIES: '127.0.0.0/8' });
    const token = bed.issuer.sign();
    const answer = await bed.send({ token, body, headers: { 'x-forwarded-proto': 'https' } });
    expect([answer.status, answer.headers['strict-transport-security']]).toEqual([200, 'max-age=31536000']);
    const plain = await bed.send({ token, body, headers: { 'x-forwarded-proto': 'http' } });
    expect([plain.status, plain.body.toString()]).toEqual([400, expect.stringContaining('https_required')]);
    await bed.stop();
    bed = await TestBed.start({ TRUSTED_PROXIES: '10.0.0.0/8' });
    await expect(bed.predict(bed.issuer.sign())).rejects.toThrow();
    expect(bed.log).toContain('not a trusted proxy');
  });
});
