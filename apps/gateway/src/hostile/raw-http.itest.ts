import { suiteCases, suiteLines, suitesMissing } from '@modelgate/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { predictPath, TestBed } from '../gateway.fixture.ts';

let bed: TestBed;
beforeAll(async () => {
  const llms = ['fraud/llm', 'vision/secret'].map((model) => ({ model, protocols: ['openai'] }));
  bed = await TestBed.start(
    { HEADERS_TIMEOUT: '1s', REQUEST_TIMEOUT: '2s', IDLE_TIMEOUT: '2s', UPSTREAM_TIMEOUT: '2s' },
    { more: llms },
  );
});
afterAll(() => bed.stop());

const secretPath = '/serving/vision/digits/v1/models/digits:predict';

/** Does `work` for every item, so many at a time. */
async function each<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

describe('a body whose framing is broken', () => {
  it.each<[string, string]>([
    ['a chunk size that is no number', 'zz\r\n{}\r\n0\r\n\r\n'],
    ['a chunk size with a sign', '+2\r\n{}\r\n0\r\n\r\n'],
    ['a chunk size with 0x', '0x2\r\n{}\r\n0\r\n\r\n'],
    ['a chunk size with an underscore', '0_2\r\n{}\r\n0\r\n\r\n'],
    ['a chunk size that overflows', 'FFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n'],
    ['a chunk that is longer than it says', '1\r\n{}\r\n0\r\n\r\n'],
    ['a chunk that ends in a bare LF', '2\r\n{}\n0\r\n\r\n'],
    ['a chunk whose size ends in a bare CR', '2\r{}\r\n0\r\n\r\n'],
    ['a chunk extension with a NUL', '2;\0\r\n{}\r\n0\r\n\r\n'],
    ['a chunk extension with a bare CR', '2;a\rb\r\n{}\r\n0\r\n\r\n'],
    ['no last chunk', '2\r\n{}\r\n'],
  ])('reaches no model whole: %s', async (_what, chunks) => {
    const before = bed.model.seen.length;
    const head = `POST ${predictPath} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${bed.issuer.sign()}`;
    const answer = await bed.raw(`${head}\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`, 3_500);
    expect(statusOf(answer) === 0 || statusOf(answer) >= 400).toBe(true);
    expect(bed.model.seen.slice(before).filter(({ complete }) => complete)).toEqual([]);
  });
});

describe('a head that no parser may guess at', () => {
  it.each<[string, string, string]>([
    ['a coding with a NUL', predictPath, 'Transfer-Encoding: chunked\0'],
    ['a coding with a vertical tab', predictPath, 'Transfer-Encoding: chunked\x0b'],
    ['a coding with a form feed', predictPath, 'Transfer-Encoding: chunked\x0c'],
    ['a coding in another name', predictPath, 'Transfer-Encoding\x0b: chunked'],
    ['bytes beyond ASCII in the target', `${predictPath}\xe9`, 'Content-Length: 0'],
    ['an overlong slash in the target', predictPath.replace('/iris/', '\xc0\xafiris/'), 'Content-Length: 0'],
    ['bytes beyond ASCII in a name', predictPath, 'X-T\xe9st: 1'],
  ])('is refused: %s', async (_what, target, field) => {
    const before = bed.model.seen.length;
    const head = `POST ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${bed.issuer.sign()}`;
    const { answer, closed } = await bed.exchange(Buffer.from(`${head}\r\n${field}\r\n\r\n0\r\n\r\n`, 'latin1'));
    expect([statusOf(answer), closed]).toEqual([400, true]);
    expect(bed.model.seen.length).toBe(before);
  });
});

describe('HTTP requests that are meant for another server', () => {
  const post = (fields: string): string =>
    `POST ${predictPath} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${bed.issuer.sign()}\r\n${fields}\r\n`;

  it('trailers and chunk extensions end here: what is forwarded is the body alone', async () => {
    const body = '2;name=value\r\n{}\r\n0\r\nX-Sum: x\r\nX-Forwarded-User: root\r\n\r\n';
    const answer = await bed.raw(post('Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n') + body);
    expect(statusOf(answer)).toBe(200);
    const seen = bed.model.seen.at(-1);
    expect(seen?.body.toString()).toBe('{}');
    expect(seen?.rawTrailers).toEqual([]);
    expect(seen?.rawHeaders.join('\n')).not.toMatch(/trailer|x-sum|x-forwarded-user|bearer/i);
  });

  it('trailers that belong in a head make the request none', async () => {
    const before = bed.model.seen.length;
    for (const name of ['Authorization', 'Content-Length', 'transfer-encoding', 'HOST', 'X-API-Key']) {
      const body = `2\r\n{}\r\n0\r\n${name}: 1\r\n\r\n`;
      const { answer, closed } = await bed.exchange(post('Transfer-Encoding: chunked\r\n') + body);
      expect([statusOf(answer), closed]).toEqual([400, true]);
    }
    expect(bed.model.seen.length).toBe(before);
  });

  it.each<[string, number, () => string]>([
    ['a name that objects have', 200, () => 'constructor: x\r\ntoString: y\r\n'],
    ['a name that objects are made of', 400, () => '__proto__: x\r\n'],
    ['two thousand fields', 431, () => Array.from({ length: 2_000 }, (_, at) => `X-${at}: 1\r\n`).join('')],
    ['ten thousand fields', 431, () => Array.from({ length: 10_000 }, (_, at) => `X-${at}: 1\r\n`).join('')],
    ['one field of 100 KB', 431, () => `X-Long: ${'a'.repeat(100_000)}\r\n`],
  ])('%s: %i, and other callers are not affected', async (_what, status, fields) => {
    const answer = await bed.exchange(post(`${fields()}Content-Length: 2\r\nConnection: close\r\n`) + '{}');
    expect([statusOf(answer.answer), answer.closed]).toEqual([status, true]);
    expect((await bed.predict(bed.issuer.sign())).status).toBe(200);
  });

  it('a target of 100 KB: 431 or 414, and other callers are not affected', async () => {
    const target = `GET /${'a'.repeat(100_000)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
    expect([414, 431]).toContain(statusOf(await bed.raw(target)));
    expect((await bed.predict(bed.issuer.sign())).status).toBe(200);
  });
});

/** The first status in what came back; 0 where the connection was closed without a word, or nothing came. */
function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 0);
}

/** Requests that reached the model server without permission: any path except the one that the token permits. */
function strayed(): string[] {
  return bed.model.seen.map(({ url }) => url).filter((url) => url !== '/v1/models/iris:predict');
}

interface ProbeCase {
  id: string;
  /** The verdicts that pass, in words: `Exact(400) or close`, `400/431/close/timeout`, `400 or 2xx` … */
  expected: string;
  raw_b64: string;
}

/** Whether every verdict that passes is a refusal; the suite counts 72 of them and leaves seven out that may name a reason. */
function mustReject({ expected }: ProbeCase): boolean {
  return /^(?:Exact\(\d{3}\)|\d{3}(?:\/\d{3})*)(?:(?: or |\/)close)?(?:\/timeout)?$/.test(expected);
}

/** Their bodies never come whole: who has no token, names no route or announces too much is told so before, and closed on. */
const unfinished = new Set([
  'SMUG-CHUNK-EXT-CTRL',
  'SMUG-CHUNK-EXT-CR',
  'SMUG-CHUNK-BARE-CR-TERM',
  'COMP-POST-CL-UNDERSEND',
  'COMP-CHUNKED-NO-FINAL',
  'MAL-POST-CL-HUGE-NO-BODY',
]);

/** What came of one request, in the words of `expected`. */
async function verdictOn(bytes: string, { id }: ProbeCase): Promise<string> {
  const { answer, closed } = await bed.exchange(Buffer.from(bytes, 'latin1'), 3_500);
  const status = statusOf(answer);
  const early = status === 408 || (unfinished.has(id) && [401, 404, 413].includes(status));
  if (status !== 0 && !early) return String(status);
  return closed ? 'close' : 'timeout';
}

describe('Http11Probe', () => {
  beforeEach(({ skip }) => skip(suitesMissing !== undefined, suitesMissing));

  it('refuses what must be refused, as it is, with a token, and on the path of a model', async () => {
    const { host, hostname, port } = new URL(bed.gateway.url);
    const cases = suiteCases<ProbeCase>('http-raw/http11probe.json');
    const wrong: string[] = [];
    await each(cases, 24, async (probe) => {
      const raw = Buffer.from(probe.raw_b64, 'base64').toString('latin1');
      const plain = raw.replaceAll('@HOSTNAME@', hostname).replaceAll('@HOST@', host).replaceAll('@PORT@', port);
      const authorised = plain.replace('\r\n', `\r\nAuthorization: Bearer ${bed.issuer.sign()}\r\n`);
      const aimed = authorised.replace(/^(GET|POST) \/ /, `$1 ${predictPath} `);
      for (const [as, bytes] of Object.entries({ plain, authorised, aimed })) {
        const verdict = await verdictOn(bytes, probe);
        if (verdict.startsWith('5') && verdict !== '501' && verdict !== '505') wrong.push(`${probe.id}: ${verdict}`);
        if (mustReject(probe) && !probe.expected.includes(verdict)) wrong.push(`${probe.id} ${as}: ${verdict}`);
      }
    });
    expect(cases.filter(mustReject).length).toBe(79);
    expect(wrong).toEqual([]);
    expect(strayed()).toEqual([]);
  }, 120_000);
});

interface LlhttpCase {
  file: string;
  name: string;
  type: string;
  raw_b64: string;
  error_code: number;
}

describe('the requests of llhttp', () => {
  beforeEach(({ skip }) => skip(suitesMissing !== undefined, suitesMissing));

  it('never become two, and never one that was not sent', async () => {
    const cases = suiteCases<LlhttpCase>('http-raw/llhttp.json').filter(({ type }) => type.startsWith('request'));
    const before = bed.model.seen.length;
    const wrong: string[] = [];
    await each(cases, 24, async ({ name, raw_b64, error_code, type }) => {
      const answer = await bed.raw(Buffer.from(raw_b64, 'base64'), 3_500);
      const status = statusOf(answer);
      if (status >= 200 && status < 300) wrong.push(`${name}: ${status}`);
      // 501 refuses an unknown method, 505 another version of HTTP.
      if (status >= 500 && status !== 501 && status !== 505) wrong.push(`${name}: ${status}`);
      if (type === 'request' && error_code !== 0 && status !== 0 && status < 400) wrong.push(`${name}: ${status}`);
    });
    expect(cases.length).toBeGreaterThan(130);
    expect(wrong).toEqual([]);
    expect(bed.model.seen.length).toBe(before);
  }, 120_000);
});

describe('directory traversal', () => {
  beforeEach(({ skip }) => skip(suitesMissing !== undefined, suitesMissing));

  it('never reaches the model that the token lacks, however it is spelt', async () => {
    const rows = suiteLines('path-normalization/dirTraversal.txt');
    const token = bed.issuer.sign();
    const wrong: string[] = [];
    await each(rows, 16, async (row) => {
      const path = row.replaceAll('private/secret.html', secretPath.slice(1));
      for (const prefix of ['/serving/fraud/iris/v1/models/', '/serving/fraud/iris/']) {
        const request = `POST ${prefix}${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`;
        const status = statusOf(await bed.raw(Buffer.from(request, 'latin1')));
        if (status !== 0 && (status < 400 || status >= 500)) wrong.push(`${row}: ${status}`);
      }
    });
    expect(rows.length).toBeGreaterThanOrEqual(847);
    expect(wrong).toEqual([]);
    expect(strayed()).toEqual([]);
  }, 120_000);
});

interface JsonCase {
  name: string;
  b64: string | null;
  /** Where the file would be too long. */
  repeat: { unit_b64: string; times: number } | null;
}

function bodyOf({ b64, repeat }: JsonCase): Buffer {
  if (repeat === null) return Buffer.from(b64 ?? '', 'base64');
  const unit = Buffer.from(repeat.unit_b64, 'base64');
  return Buffer.alloc(unit.length * repeat.times, unit);
}

describe('JSONTestSuite', () => {
  beforeEach(({ skip }) => skip(suitesMissing !== undefined, suitesMissing));

  it('passes as bodies byte for byte, whatever they are, and only with a token', async () => {
    const cases = suiteCases<JsonCase>('json/jsontestsuite.json');
    bed.model.behaviour = 'echo';
    const wrong: string[] = [];
    const paths = [predictPath, '/serving/fraud/iris/v2/models/iris/infer'];
    const sent = cases.flatMap((one) => paths.map((path) => ({ name: one.name, path, body: bodyOf(one) })));
    for (const { name, path, body } of sent) {
      const length = bed.model.seen.length;
      const refused = await bed.send({ path, body });
      if (refused.status !== 401 || bed.model.seen.length !== length) wrong.push(`${name}: ${refused.status}`);
      const answer = await bed.send({ path, body, token: bed.issuer.sign() });
      if (answer.status !== 200 || !answer.body.equals(body)) wrong.push(`${name} on ${path}: ${answer.status}`);
    }
    bed.model.behaviour = 'serve';
    expect(cases.length).toBe(340);
    expect(wrong).toEqual([]);
  }, 120_000);

  /** No JSON, but every model server in Python takes them for numbers, and they have one reading. */
  const pythonReads = /^n_number_(?:NaN|infinity|minus_infinity)\.json$/;
  /** With what the suite has as one member of it; every request bears a token for `fraud/llm` alone. */
  const around = (before: string, one: JsonCase, after: string): Buffer =>
    Buffer.concat([Buffer.from(before), bodyOf(one), Buffer.from(after)]);

  it('names no model that the token lacks, as an OpenAI body and within one', async () => {
    const token = bed.issuer.signFor('fraud/llm:generate');
    bed.model.behaviour = 'echo';
    const before = bed.model.seen.length;
    const wrong: string[] = [];
    await each(suiteCases<JsonCase>('json/jsontestsuite.json'), 8, async (one) => {
      const bodies = [
        bodyOf(one),
        around('{"model":"fraud/llm","x":', one, '}'),
        around('{"x":', one, ',"model":"vision/secret"}'),
        around('{"model":"fraud/llm","x":', one, ',"model":"vision/secret"}'),
      ];
      for (const [form, body] of bodies.entries()) {
        const headers = { 'content-type': 'application/json' };
        const { status } = await bed.send({ path: '/openai/v1/chat/completions', token, headers, body });
        const allowed = form === 1 ? status === 200 || (status >= 400 && status < 500) : status >= 400 && status < 500;
        if (!allowed) wrong.push(`${one.name} ${form}: ${status}`);
        if (form === 1 && one.name.startsWith('n_') && !pythonReads.test(one.name) && status === 200)
          wrong.push(`${one.name}: forwarded`);
      }
    });
    bed.model.behaviour = 'serve';
    expect(wrong).toEqual([]);
    const reached = bed.model.seen.slice(before);
    expect(reached.length).toBeGreaterThan(50);
    expect(reached.filter(({ body }) => !body.toString('latin1').startsWith('{"model":"llm","x":'))).toEqual([]);
  }, 120_000);
});
