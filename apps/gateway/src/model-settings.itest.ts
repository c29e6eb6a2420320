import { CertificateAuthority } from '@modelgate/testing';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestBed, type Answer } from './gateway.fixture.ts';

let bed: TestBed;
let folder: string;
let models: Server | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'modelgate-model-settings-'));
});
afterEach(async () => {
  await bed.stop();
  models?.closeAllConnections();
  models?.close();
  models = undefined;
  rmSync(folder, { recursive: true });
});

const quick = { CATALOGUE_INTERVAL: '1s', TLS_RELOAD_INTERVAL: '1s' };

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

/** The catalogue with these settings for both models, which are one server’s. */
function write(iris: object, digits: object = {}): void {
  const served = { upstream: bed.model.url, protocols: ['v1'] };
  const entries = [
    { model: 'fraud/iris', ...served, ...iris },
    { model: 'vision/digits', ...served, ...digits },
  ];
  writeFileSync(bed.catalogueFile, JSON.stringify({ domain: 'models.example.com', models: entries }));
}

async function serve(iris: object, digits: object = {}): Promise<void> {
  write(iris, digits);
  await bed.restart(quick);
  await bed.untilReady();
}

async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let turn = 0; turn < 600 && !(await holds()); turn++) await sleep(50);
  expect(await holds()).toBe(true);
}

const reasonOf = ({ body }: Answer): unknown => (JSON.parse(body.toString()) as { reason?: unknown }).reason;

/** What the model server saw last under these names. */
function seen(...names: string[]): (string | undefined)[] {
  const { rawHeaders = [] } = bed.model.seen.at(-1) ?? {};
  return names.map((name) => rawHeaders.find((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name));
}

describe('the credential a model server receives', () => {
  it('is none, the caller’s own, or the gateway’s, as its file has it now', async () => {
    bed = await TestBed.start();
    const token = bed.issuer.sign();
    const credential = file('token', 'sa-token-1\n');
    await serve({});
    expect((await bed.predict(token)).status).toBe(200);
    expect(seen('authorization')).toEqual([undefined]);

    await serve({ credential: 'forward' });
    expect((await bed.predict(token)).status).toBe(200);
    expect(seen('authorization')).toEqual([`Bearer ${token}`]);

    await serve({ credential: { replaceFile: credential } });
    expect((await bed.predict(token)).status).toBe(200);
    expect(seen('authorization')).toEqual(['Bearer sa-token-1']);
    file('token', 'sa-token-2');
    await until(
      async () => (await bed.predict(token)).status === 200 && seen('authorization')[0] === 'Bearer sa-token-2',
    );
    file('token', 'two words');
    await until(() => bed.log.includes('the changed credential for a model server is rejected'));
    expect((await bed.predict(token)).status).toBe(200);
    expect(seen('authorization')).toEqual(['Bearer sa-token-2']);
    expect(bed.log).not.toMatch(/sa-token|two words/);
  });

  it('is that of the model, even if another model shares its server', async () => {
    bed = await TestBed.start();
    const token = bed.issuer.sign();
    await serve({ credential: { replaceFile: file('a', 'for-iris') } }, { credential: 'forward' });
    const forDigits = bed.issuer.signFor('vision/digits:predict');
    expect((await bed.predict(token)).status).toBe(200);
    expect(seen('authorization')).toEqual(['Bearer for-iris']);
    const path = '/serving/vision/digits/v1/models/digits:predict';
    expect((await bed.send({ path, token: forDigits, body: '{}' })).status).toBe(200);
    expect(seen('authorization')).toEqual([`Bearer ${forDigits}`]);
  });
});

describe('the size of a body', () => {
  it('is bounded per model, declared or not, and never beyond that of the gateway', async () => {
    bed = await TestBed.start();
    await serve({ maxBodyBytes: 70_000 }, { maxBodyBytes: 1_000_000 });
    await bed.restart({ ...quick, MAX_BODY_BYTES: '100000' });
    await bed.untilReady();
    const token = bed.issuer.signFor('fraud/iris:predict vision/digits:predict');
    const statusOf = async (model: string, bytes: number, headers: Record<string, string>): Promise<number> => {
      const path = `/serving/${model}/v1/models/${model.split('/')[1]}:predict`;
      return (await bed.send({ path, token, headers, body: Buffer.alloc(bytes, 0x20) })).status;
    };
    for (const headers of [{}, { 'transfer-encoding': 'chunked' }]) {
      expect(await statusOf('fraud/iris', 70_000, headers)).toBe(200);
      expect(await statusOf('fraud/iris', 70_001, headers)).toBe(413);
      expect(await statusOf('vision/digits', 100_000, headers)).toBe(200);
      expect(await statusOf('vision/digits', 100_001, headers)).toBe(413);
    }
    expect(bed.model.seen.filter(({ complete, body }) => complete && body.length > 100_000)).toEqual([]);
  });
});

describe('files that a catalogue names', () => {
  it('must be there before a gateway starts', async () => {
    bed = await TestBed.start();
    write(
      { credential: { replaceFile: join(folder, 'none') } },
      { upstream: 'https://127.0.0.1:9', upstreamTls: { caFile: join(folder, 'no.crt') } },
    );
    await expect(bed.restart(quick)).rejects.toMatchObject({
      problems: [`${join(folder, 'no.crt')} cannot be read`, `${join(folder, 'none')} cannot be read`],
    });
    write({});
    await bed.restart(quick);
  });

  it('must be there before a changed catalogue is in force', async () => {
    bed = await TestBed.start();
    const token = bed.issuer.sign();
    await serve({ credential: { replaceFile: file('token', 'one') } });
    write({ credential: { replaceFile: join(folder, 'later') } });
    await until(() => bed.log.includes('the changed catalogue is rejected'));
    expect((await bed.predict(token)).status).toBe(200);
    expect(seen('authorization')).toEqual(['Bearer one']);
    file('later', 'two');
    write({ credential: { replaceFile: join(folder, 'later') }, maxConcurrent: 7 });
    await until(async () => (await bed.predict(token)).status === 200 && seen('authorization')[0] === 'Bearer two');
  });
});

describe('a model server over TLS, by settings of its model', () => {
  /** A server that wants a certificate and says whose it got. */
  async function start(ca: string, cert: { cert: string; key: string }): Promise<string> {
    const options = { ...cert, ca, requestCert: true, rejectUnauthorized: true };
    models = createServer(options, ({ socket }, response) => {
      response.end(JSON.stringify({ caller: (socket as TLSSocket).getPeerCertificate().subject.CN }));
    });
    await once(models.listen(0, '127.0.0.1'), 'listening');
    return `https://127.0.0.1:${(models.address() as AddressInfo).port}`;
  }

  /** Writes a certificate where the gateway looks for it. */
  async function install(authority: CertificateAuthority, subject: string, as: string) {
    const { cert, key } = await authority.issue({ names: [subject] });
    return { certFile: file(`${as}.crt`, cert), keyFile: file(`${as}.key`, key) };
  }

  async function callerAt(model: string, token: string): Promise<unknown> {
    const path = `/serving/${model}/v1/models/${model.split('/')[1]}:predict`;
    const answer = await bed.send({ path, token, body: '{}' });
    return answer.status === 200 ? (JSON.parse(answer.body.toString()) as { caller: string }).caller : reasonOf(answer);
  }

  it('is told who the model’s gateway is, which changes with its files', async () => {
    const authority = await CertificateAuthority.create();
    const upstream = await start(authority.cert, await authority.issue({ names: ['iris.internal'] }));
    const common = await install(authority, 'common', 'tls');
    const own = await install(authority, 'own', 'own');
    bed = await TestBed.start();
    const token = bed.issuer.signFor('fraud/iris:predict vision/digits:predict');
    const serverName = 'iris.internal';
    write({ upstream, upstreamTls: { serverName } }, { upstream, upstreamTls: { ...own, serverName } });
    await bed.restart({
      ...quick,
      UPSTREAM_CA_FILE: file('ca.crt', authority.cert),
      UPSTREAM_CERT_FILE: common.certFile,
      UPSTREAM_KEY_FILE: common.keyFile,
    });
    await bed.untilReady();
    expect([await callerAt('fraud/iris', token), await callerAt('vision/digits', token)]).toEqual(['common', 'own']);
    await install(authority, 'next', 'own');
    await until(() => bed.log.includes('certificates for model servers reloaded'));
    models?.closeIdleConnections();
    await until(async () => (await callerAt('vision/digits', token)) === 'next');
    expect(await callerAt('fraud/iris', token)).toBe('common');
    expect(bed.log).not.toContain('PRIVATE KEY');
  });

  it('is not believed with a certificate of another name', async () => {
    const authority = await CertificateAuthority.create();
    const upstream = await start(authority.cert, await authority.issue({ names: ['iris.internal'] }));
    const own = await install(authority, 'own', 'own');
    bed = await TestBed.start();
    const tls = { caFile: file('ca.crt', authority.cert), ...own };
    for (const [name, expected] of [
      [{}, 'upstream_unreachable'],
      [{ serverName: 'risk.internal' }, 'upstream_unreachable'],
      [{ serverName: 'iris.internal' }, 'own'],
    ] as const) {
      await serve({ upstream, upstreamTls: { ...tls, ...name } });
      expect(await callerAt('fraud/iris', bed.issuer.sign())).toBe(expected);
    }
  });
});
