import { CertificateAuthority, FakeKServe } from '@modelgate/testing';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { TestBed, type Answer } from './gateway.fixture.ts';

let bed: TestBed;
const others: FakeKServe[] = [];
afterEach(async () => {
  await bed.stop();
  await Promise.all(others.splice(0).map((server) => server.close()));
});

/** Has the catalogue changed, and the gateway notice. */
async function serve(changes: object): Promise<void> {
  const models = [{ model: 'fraud/iris', upstream: bed.model.url, protocols: ['v1', 'v2'], ...changes }];
  writeFileSync(bed.catalogueFile, JSON.stringify({ domain: 'models.example.com', models }));
  await bed.restart({ MAX_CONCURRENT_PER_SUBJECT: '4', CATALOGUE_INTERVAL: '1s' });
  await bed.untilReady();
}

const reasonOf = ({ body }: Answer): unknown => (JSON.parse(body.toString()) as { reason?: unknown }).reason;

describe('a model with several servers', () => {
  it('uses all of them, and only the remaining ones after a failure, without failed requests', async () => {
    bed = await TestBed.start();
    others.push(await FakeKServe.start(), await FakeKServe.start());
    const servers = [bed.model, ...others];
    await serve({ upstream: servers.map(({ url }) => url) });
    const token = bed.issuer.sign();
    const statuses = new Set<number>();
    const ask = async (count: number): Promise<void> => {
      for (let at = 0; at < count; at++) statuses.add((await bed.predict(token)).status);
    };
    await ask(90);
    expect(servers.map(({ seen }) => seen.length > 10)).toEqual([true, true, true]);
    await others[0]?.close();
    // What was sent is never sent again: only what finds the door closed goes elsewhere.
    await sleep(50);
    await ask(60);
    await others[1]?.close();
    await sleep(50);
    await ask(60);
    expect([...statuses]).toEqual([200]);
  });

  it('is refused once none is left, at once', async () => {
    bed = await TestBed.start();
    await serve({ upstream: ['http://127.0.0.1:9', 'http://127.0.0.1:10'] });
    const answer = await bed.predict(bed.issuer.sign());
    expect([answer.status, reasonOf(answer)]).toEqual([502, 'upstream_unreachable']);
  });
});

describe('requests at a time', () => {
  /** Requests the model server keeps open; what ends them. */
  async function hold(count: number, token: string): Promise<AbortController> {
    const stop = new AbortController();
    const before = bed.model.seen.length;
    bed.model.behaviour = 'silent';
    for (let at = 0; at < count; at++) {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const url = `${bed.gateway.url}/serving/fraud/iris/v1/models/iris:predict`;
      fetch(url, { method: 'POST', headers, body: '{}', signal: stop.signal }).catch(() => undefined);
    }
    while (bed.model.seen.length < before + count) await sleep(10);
    bed.model.behaviour = 'serve';
    return stop;
  }

  it('of one subject are bounded, and those of the others go on', async () => {
    bed = await TestBed.start();
    await serve({});
    const token = bed.issuer.sign();
    const held = await hold(4, token);
    const refused = await bed.predict(token);
    expect([refused.status, reasonOf(refused)]).toEqual([429, 'subject_busy']);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await bed.predict(bed.issuer.sign({ claims: { sub: 'somebody-else' } }))).status).toBe(200);
    held.abort();
    for (let tries = 0; tries < 1_000 && (await bed.predict(token)).status !== 200; tries++) await sleep(10);
    expect((await bed.predict(token)).status).toBe(200);
  });

  it('of one model are bounded over all callers', async () => {
    bed = await TestBed.start();
    await serve({ maxConcurrent: 2 });
    const held = await hold(2, bed.issuer.sign());
    const refused = await bed.predict(bed.issuer.sign({ claims: { sub: 'somebody-else' } }));
    expect([refused.status, reasonOf(refused)]).toEqual([503, 'model_busy']);
    held.abort();
    for (let tries = 0; tries < 1_000 && (await bed.predict(bed.issuer.sign())).status !== 200; tries++)
      await sleep(10);
    expect((await bed.predict(bed.issuer.sign())).status).toBe(200);
  });
});

describe('a model server over TLS', () => {
  it('is believed with a certificate of the authority alone, and told who the gateway is', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'modelgate-upstream-tls-'));
    const [authority, foreign] = await Promise.all([CertificateAuthority.create(), CertificateAuthority.create()]);
    const [server, client] = await Promise.all(
      ['127.0.0.1', 'gateway'].map((name) => authority.issue({ names: [name] })),
    );
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const callers: string[] = [];
    const options = { cert: server?.cert, key: server?.key, ca: authority.cert, requestCert: true };
    const model = createServer({ ...options, rejectUnauthorized: true }, (request, response) => {
      const socket = request.socket as unknown as { getPeerCertificate(): { subject: { CN: string } } };
      callers.push(socket.getPeerCertificate().subject.CN);
      response.end('{"predictions":[1]}');
    });
    await once(model.listen(0, '127.0.0.1'), 'listening');
    try {
      bed = await TestBed.start();
      const upstream = `https://127.0.0.1:${(model.address() as AddressInfo).port}`;
      await serve({ upstream });
      expect((await bed.predict(bed.issuer.sign())).status).toBe(502);
      const own = {
        UPSTREAM_CERT_FILE: file('tls.crt', client?.cert ?? ''),
        UPSTREAM_KEY_FILE: file('tls.key', client?.key ?? ''),
      };
      await bed.restart({ ...own, UPSTREAM_CA_FILE: file('foreign.crt', foreign.cert) });
      await bed.untilReady();
      expect((await bed.predict(bed.issuer.sign())).status).toBe(502);
      await bed.restart({ UPSTREAM_CA_FILE: file('ca.crt', authority.cert) });
      await bed.untilReady();
      expect((await bed.predict(bed.issuer.sign())).status).toBe(502);
      expect(callers).toEqual([]);
      await bed.restart({ ...own, UPSTREAM_CA_FILE: file('ca.crt', authority.cert) });
      await bed.untilReady();
      expect((await bed.predict(bed.issuer.sign())).status).toBe(200);
      expect(callers).toEqual(['gateway']);
    } finally {
      model.closeAllConnections();
      model.close();
      rmSync(folder, { recursive: true });
    }
  });
});

describe('revocations that cannot be fetched', () => {
  it('end in a refusal once they are older than allowed, and are believed again once they are there', async () => {
    bed = await TestBed.start({ MAX_REVOCATION_AGE: '5s' });
    const token = bed.issuer.sign();
    expect((await bed.predict(token)).status).toBe(200);
    bed.issuer.down = true;
    for (let waited = 0; waited < 300 && (await bed.predict(token)).status === 200; waited++) await sleep(100);
    const refused = await bed.predict(token);
    expect([refused.status, reasonOf(refused)]).toEqual([503, 'keys_unavailable']);
    expect(await bed.isReady()).toBe(false);
    bed.issuer.down = false;
    await bed.untilReady();
    expect((await bed.predict(token)).status).toBe(200);
  });
});
