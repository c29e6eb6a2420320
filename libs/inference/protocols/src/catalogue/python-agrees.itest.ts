import { kserveOpenai, requireOrSkip } from '@modelgate/real-parts';
import fc from 'fast-check';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { Catalogue } from './catalogue.ts';
import { isDenial } from '../denial/denial.ts';
import { openai } from '../openai/openai.ts';
import { resolveBody } from '../body/resolve-body.ts';

const install = 600_000;
const missing = await requireOrSkip(kserveOpenai);
let python = '';
beforeAll(async () => {
  if (!missing) python = await kserveOpenai.python();
}, install);
beforeEach(({ skip }) => skip(missing !== undefined, missing));

interface Reading {
  models?: unknown[];
  rest?: string;
  error?: string;
}

/** How the libraries of KServe's own server read every body. */
async function read(type: string, bodies: readonly Buffer[]): Promise<Reading[]> {
  const script = fileURLToPath(new URL('../../fixtures/named_models.py', import.meta.url));
  const child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(bodies.map((body) => `${JSON.stringify({ type, body: body.toString('base64') })}\n`).join(''));
  let output = '';
  for await (const chunk of child.stdout) output += String(chunk);
  return output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Reading);
}

const catalogue = Catalogue.parse({
  domain: 'models.example.com',
  models: [
    { model: 'a/b', upstream: 'http://127.0.0.1:1', protocols: ['openai'], runtime: 'vllm', modelName: 'served' },
    { model: 'a/c', upstream: 'http://127.0.0.1:1', protocols: ['openai'], runtime: 'vllm' },
  ],
});

/** The name read from each accepted body, and the forwarded bytes. */
function accepted(type: string, bodies: readonly Buffer[]): { body: Buffer; sent: Buffer; name: string }[] {
  const kind = type.startsWith('multipart') ? 'multipart' : 'json';
  const endpoint = openai.sharedEndpoints.find((candidate) => candidate.body === kind);
  if (!endpoint) throw new Error(`no endpoint takes ${kind}`);
  return bodies.flatMap((body) => {
    const resolved = resolveBody({ kind: 'body', protocol: 'openai', endpoint, names: catalogue }, body, type);
    if (isDenial(resolved)) return [];
    const { namespace, name } = resolved.operation.model;
    return [{ body, sent: resolved.body, name: `${namespace}/${name}` }];
  });
}

/** Applies a few random changes to a body, using fragments from which it could have been built. */
function changed(body: fc.Arbitrary<string>, pieces: readonly string[]): fc.Arbitrary<Buffer> {
  const change = fc.tuple(fc.nat(), fc.constantFrom(0, 0, 1, 4), fc.oneof(fc.constantFrom(...pieces), fc.string()));
  return fc.tuple(body, fc.array(change, { maxLength: 3 })).map(([text, changes]) => {
    let all = text;
    for (const [place, removed, piece] of changes) {
      const at = place % (all.length + 1);
      all = all.slice(0, at) + piece + all.slice(at + removed);
    }
    return Buffer.from(all);
  });
}

const upstreamNames: Readonly<Record<string, string>> = { 'a/b': 'served', 'a/c': 'c' };

async function expectAgreement(type: string, bodies: readonly Buffer[], atLeast: number): Promise<void> {
  const judged = accepted(type, bodies);
  expect(judged.length).toBeGreaterThan(atLeast);
  expect(judged.length).toBeLessThan(bodies.length);
  const [before, after] = await Promise.all([
    read(
      type,
      judged.map(({ body }) => body),
    ),
    read(
      type,
      judged.map(({ sent }) => sent),
    ),
  ]);
  for (const [index, { body, name }] of judged.entries()) {
    const { rest } = before[index] ?? {};
    const shown = body.toString();
    expect([shown, before[index]]).toEqual([shown, { models: [name], rest }]);
    expect([shown, after[index]]).toEqual([shown, { models: [upstreamNames[name]], rest }]);
  }
}

/** Up to two model names, of which a second one must never be accepted. */
const modelMembers = fc.array(
  fc
    .tuple(
      fc.constantFrom('model', 'mod\\u0065l', 'Model', 'model '),
      fc.constantFrom('a/b', 'a/c', 'a\\u002fb', '\\u0061\\/c'),
    )
    .map(([key, name]) => `"${key}" : "${name}"`),
  { minLength: 1, maxLength: 2 },
);

test('an accepted JSON body names the same model to Python, and only its model name changes', async () => {
  const value = fc.jsonValue().map((any) => JSON.stringify(any));
  const extra = fc.oneof(value, fc.constantFrom('NaN', '-Infinity', '9223372036854775807', '1e400', '[1.0,{}]'));
  const member = fc.tuple(fc.string({ maxLength: 6 }), extra).map(([key, text]) => `${JSON.stringify(key)}: ${text}`);
  const body = fc
    .tuple(fc.array(member, { maxLength: 3 }), modelMembers, fc.nat({ max: 3 }))
    .map(([others, models, at]) => `{${[...others.slice(0, at), ...models, ...others.slice(at)].join(',')}}`);
  const pieces = ['"model":"a/c",', ',"Model":"a/c"', '\ufeff', '\0', ' ', '"', '\\', '{', '}', ',', 'NaN', '\\u006d'];
  const bodies = fc.sample(changed(body, pieces), 4_000);
  const encodings = ['utf16le', 'latin1'] as const;
  const others = encodings.map((encoding) => Buffer.from('{"model":"a/b","é":1}', encoding));
  await expectAgreement('application/json', [...bodies, ...others], 300);
});

test('an accepted form names the same model to Python, and only its model name changes', async () => {
  const part = (head: string, content: string): string => `Content-Disposition: form-data; ${head}\r\n\r\n${content}`;
  const others = fc.array(
    fc.constantFrom(
      part('name="file"; filename="a.wav"', 'RIFF\0\r\n--\r\n'),
      part('name="file"; filename="ä b.wav"\r\nContent-Type: audio/wav', part('name="model"', 'a/c')),
      part('name="language"', 'en'),
      part('name="timestamp_granularities[]"', 'word'),
    ),
    { maxLength: 3 },
  );
  const body = fc
    .tuple(others, fc.constantFrom('a/b', 'a/c'), others)
    .map(([first, model, last]) =>
      [...first, part('name="model"', model), ...last].map((text) => `--b\r\n${text}\r\n`).join(''),
    )
    .map((text) => `${text}--b--\r\n`);
  const pieces = ['\r\n', '\n', '--b', '\r\n--b\r\n', ' ', '"', '\\"', ';', '; name="model"', '\0', '%', ':', '\t'];
  await expectAgreement('multipart/form-data; boundary=b', fc.sample(changed(body, pieces), 4_000), 800);
});
