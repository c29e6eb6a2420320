import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestBed } from './gateway.fixture.ts';

const asGateway = { CATALOGUE_CLIENT_ID: 'gateway', CATALOGUE_CLIENT_SECRET: 'secret of the gateway' };
const path = (model: string): string => `/serving/${model}/v1/models/${model.split('/')[1]}:predict`;
let bed: TestBed;
let state: string;

beforeEach(async () => {
  state = mkdtempSync(join(tmpdir(), 'modelgate-state-'));
  bed = await TestBed.start();
});
afterEach(async () => {
  await bed.stop();
  rmSync(state, { recursive: true, force: true });
});

/** As it is registered, at the model server of the test. */
const entry = (model: string, more: object = {}) => ({ model, upstream: bed.model.url, protocols: ['v1'], ...more });

async function follow(more: Record<string, string> = {}): Promise<void> {
  await bed.restart({ ...asGateway, ...more });
}

async function call(model: string): Promise<number> {
  const token = bed.issuer.signFor(`${model}:predict`);
  const headers = { 'content-type': 'application/json' };
  return (await bed.send({ path: path(model), token, headers, body: '{"instances":[[1,2,3,4]]}' })).status;
}

/** @returns after how many milliseconds */
async function until(holds: () => Promise<boolean> | boolean): Promise<number> {
  const begun = Date.now();
  while (!(await holds())) {
    if (Date.now() - begun > 30_000) throw new Error('it did not come to hold within thirty seconds');
    await sleep(20);
  }
  return Date.now() - begun;
}

async function waitsFor(): Promise<string> {
  const answer = await fetch(`${bed.gateway.managementUrl}/health/ready`);
  return answer.status === 200 ? '' : answer.text();
}

const report = async (): Promise<object> =>
  (await (await fetch(`${bed.gateway.managementUrl}/catalogue`)).json()) as object;

describe('models that are registered at the issuer', () => {
  it('are served beside those of the file, within two seconds, and as briefly', async () => {
    bed.issuer.registered = [];
    await follow();
    await bed.untilReady();
    expect(await call('risk/score')).toBe(404);
    const times = { served: [] as number[], gone: [] as number[] };
    for (let turn = 0; turn < 3; turn++) {
      bed.issuer.registered = [entry('risk/score')];
      times.served.push(await until(async () => (await call('risk/score')) === 200));
      expect(await call('fraud/iris')).toBe(200);
      bed.issuer.registered = [];
      times.gone.push(await until(async () => (await call('risk/score')) === 404));
    }
    // The others say how busy the machine was.
    expect([Math.min(...times.served) < 2_000, Math.min(...times.gone) < 2_000, times]).toEqual([true, true, times]);
  });

  it('are not fetched if no client is configured, and the gateway is ready without them', async () => {
    bed.issuer.registered = [entry('risk/score')];
    await follow({ CATALOGUE_CLIENT_ID: '', CATALOGUE_CLIENT_SECRET: '' });
    await bed.untilReady();
    expect(await call('risk/score')).toBe(404);
  });

  it('change under a request that is on its way, which ends as it began, and its connection goes on', async () => {
    bed.issuer.registered = [entry('risk/score')];
    await follow();
    await bed.untilReady();
    await until(async () => (await call('risk/score')) === 200);
    const { hostname, port } = new URL(bed.gateway.url);
    const body = '{"instances":[[1,2,3,4]]}';
    const answered = await new Promise<number | undefined>((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${bed.issuer.signFor('risk/score:predict')}`,
        'content-type': 'application/json',
        'content-length': String(body.length),
      };
      const sending = httpRequest({ hostname, port, path: path('risk/score'), method: 'POST', headers }, (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode));
      });
      sending.on('error', reject);
      sending.write(body.slice(0, 10));
      bed.issuer.registered = [];
      void until(async () => (await call('risk/score')) === 404).then(() => sending.end(body.slice(10)), reject);
    });
    expect(answered).toBe(200);
  });

  it('stand back behind the file: neither its name nor its host can be taken over', async () => {
    bed.issuer.registered = [
      entry('fraud/iris', { upstream: 'http://127.0.0.1:9' }),
      entry('vision/digits', { upstream: 'http://127.0.0.1:9' }),
      entry('risk/score'),
    ];
    await follow();
    await bed.untilReady();
    await until(async () => (await call('risk/score')) === 200);
    expect(await call('fraud/iris')).toBe(200);
    expect(bed.log).toContain('fraud/iris of the token service is left out: it is in the catalogue already');
  });

  it('give way to the file when it comes to name them, and come back when it no longer does', async () => {
    const nowhere = { upstream: 'http://127.0.0.1:9' };
    bed.issuer.registered = [entry('risk/score', nowhere)];
    await follow({ CATALOGUE_INTERVAL: '1s' });
    await bed.untilReady();
    expect(await call('risk/score')).toBe(502);
    const written = readFileSync(bed.catalogueFile, 'utf8');
    const document = JSON.parse(written) as { models: object[] };
    document.models.push(entry('risk/score'));
    writeFileSync(bed.catalogueFile, JSON.stringify(document));
    await until(async () => (await call('risk/score')) === 200);
    writeFileSync(bed.catalogueFile, written);
    await until(async () => (await call('risk/score')) !== 200);
    expect(await call('fraud/iris')).toBe(200);
  });

  it('stay while the issuer is away, and while it answers with something else', async () => {
    bed.issuer.registered = [entry('risk/score')];
    await follow();
    await bed.untilReady();
    await until(async () => (await call('risk/score')) === 200);
    bed.issuer.down = true;
    await until(() => bed.log.includes('the registered models cannot be fetched'));
    expect([await call('risk/score'), await waitsFor()]).toEqual([200, '']);
    bed.issuer.down = false;
    // Not what it says it is: the whole document is refused, and what was had stays.
    bed.issuer.registered = { nothing: 'of the kind' } as unknown as object[];
    await until(() => bed.log.includes('not a list of registered models'));
    expect(await call('risk/score')).toBe(200);
    bed.issuer.registered = [];
    await until(async () => (await call('risk/score')) === 404);
  });

  it('are on disk for a start without the issuer', async () => {
    bed.issuer.registered = [entry('risk/score')];
    await follow({ STATE_FOLDER: state });
    await bed.untilReady();
    await until(async () => (await call('risk/score')) === 200);
    bed.issuer.down = true;
    await follow({ STATE_FOLDER: state });
    await bed.untilReady();
    expect(await call('risk/score')).toBe(200);
    const inForce = (): number => bed.log.split('the registered models are in force').length;
    const before = inForce();
    await sleep(2_500);
    expect(inForce()).toBe(before);
    expect(await report()).toMatchObject({ registered: { problem: expect.stringContaining('said last') as string } });
  });

  it.each<[string, object]>([
    ['an unknown member', { colour: 'blue' }],
    ['a credential from a file of the gateway', { credential: { replaceFile: '/etc/hostname' } }],
    ['an identity from files', { upstreamTls: { certFile: '/a', keyFile: '/b' }, upstream: 'https://127.0.0.1:9' }],
    ['a path as upstream', { upstream: 'file:///etc/passwd' }],
    ['a name in capitals', { model: 'Risk/Score' }],
    ['no protocol', { protocols: [] }],
  ])('are not served with %s; the others are', async (_, more) => {
    bed.issuer.registered = [entry('risk/score', more), entry('risk/other')];
    await follow();
    await bed.untilReady();
    await until(async () => (await call('risk/other')) === 200);
    expect(await call('risk/score')).toBe(404);
    expect(bed.log).toContain('a registered model is not served');
  });
});

describe('what the operator is told at /catalogue of the management listener', () => {
  it('names what is served, what is not, how old it is, and what is wrong at the moment', async () => {
    bed.issuer.registered = [entry('risk/score'), entry('risk/new', { colour: 1 }), entry('fraud/iris')];
    await follow();
    await bed.untilReady();
    await until(async () => (await call('risk/score')) === 200);
    expect(await report()).toMatchObject({
      models: expect.arrayContaining([{ model: 'risk/score', protocols: ['v1'] }]) as unknown,
      leftOut: [expect.stringMatching(/^fraud\/iris of the token service/) as string],
      registered: {
        ageSeconds: expect.any(Number) as number,
        problem: null,
        refused: ['risk/new: /colour is not known here; leave it out or correct its name'],
      },
    });
    bed.issuer.down = true;
    await until(async () => JSON.stringify(await report()).includes('answered 503'));
    bed.issuer.down = false;
    await until(async () => JSON.stringify(await report()).includes('"problem":null,"refused"'));
  });
});

describe('a gateway that was told to ask for registered models', () => {
  it.each<[string, () => void, RegExp]>([
    ['its secret is wrong', () => (bed.issuer.registered = []), /does not know this gateway/],
    ['the issuer has none', () => (bed.issuer.registered = undefined), /names no modelgate_catalogue_endpoint/],
    ['the issuer is away', () => (bed.issuer.down = true), /registered models have not been had yet/],
  ])('is not ready while %s, says so, and never logs the secret', async (_, prepare, reason) => {
    prepare();
    await follow({ CATALOGUE_CLIENT_SECRET: 'not-the-secret' });
    await until(async () => reason.test(await waitsFor()));
    expect(bed.log).not.toContain('not-the-secret');
  });

  it('becomes ready once the issuer learns of them', async () => {
    await follow();
    await until(async () => /names no/.test(await waitsFor()));
    bed.issuer.registered = [entry('risk/score')];
    await bed.untilReady();
    expect(await call('risk/score')).toBe(200);
  });

  it('needs both halves of its credential', async () => {
    await expect(follow({ CATALOGUE_CLIENT_SECRET: '' })).rejects.toMatchObject({
      problems: ['CATALOGUE_CLIENT_ID and CATALOGUE_CLIENT_SECRET belong together; set both or neither'],
    });
    await follow({ CATALOGUE_CLIENT_ID: '', CATALOGUE_CLIENT_SECRET: '' });
  });
});
