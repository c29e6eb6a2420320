import { suiteCases, suitesMissing, suiteText } from '@modelgate/testing';
import { Agent, request, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TestBed } from '../gateway.fixture.ts';

const surfaces = {
  openai: '/serving/fraud/llm/openai/v1/chat/completions',
  anthropic: '/serving/fraud/llm/openai/v1/messages',
};
const transcription = '/serving/fraud/llm/openai/v1/audio/transcriptions';
type Dialect = keyof typeof surfaces;

let bed: TestBed;
let token: string;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
/** Those that carried a request since the test began. */
const sockets = new Set<Socket>();

beforeAll(async () => {
  const llm = { model: 'fraud/llm', modelName: 'tiny-llm', protocols: ['openai', 'anthropic'], runtime: 'vllm' };
  bed = await TestBed.start({}, { more: [llm] });
  token = bed.issuer.signFor('fraud/llm:generate fraud/llm:transcribe');
});
afterAll(async () => {
  agent.destroy();
  await bed.stop();
});
beforeEach(() => {
  bed.model.behaviour = 'echo';
  bed.model.seen.length = 0;
  sockets.clear();
});

interface Answered {
  status: number;
  body: Buffer;
}

function send(path: string, body: Buffer | string, headers: Record<string, string> = {}): Promise<Answered> {
  const { hostname, port } = new URL(bed.gateway.url);
  const fields = { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers };
  return new Promise((resolve, reject) => {
    const onAnswer = (answer: IncomingMessage): void => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks) }));
    };
    const call = request({ hostname, port, path, method: 'POST', agent, headers: fields }, onAnswer);
    call.on('socket', (socket) => sockets.add(socket));
    call.on('error', reject);
    call.end(body);
  });
}

/** Type and code of an error in the words of OpenAI or Anthropic; undefined for anything else. */
function errorOf({ body }: Answered, dialect: Dialect): { type: unknown; code: unknown } | undefined {
  const answer = JSON.parse(body.toString()) as { type?: unknown; error?: Record<string, unknown> };
  const { message, type, code } = answer.error ?? {};
  const isWhole = typeof message === 'string' && (dialect === 'openai' ? 'param' in (answer.error ?? {}) : answer.type);
  return isWhole ? { type, code } : undefined;
}

interface Case {
  name: string;
  b64: string | null;
  repeat: { unit_b64: string; times: number } | null;
}

const bytesOf = ({ b64, repeat }: Case): Buffer => {
  const unit = Buffer.from(b64 ?? repeat?.unit_b64 ?? '', 'base64');
  return Buffer.concat(Array.from({ length: repeat?.times ?? 1 }, () => unit));
};

describe('JSONTestSuite as the body of a chat', () => {
  beforeEach(({ skip }) => skip(suitesMissing !== undefined, suitesMissing));
  const cases = (): Case[] => suiteCases<Case>('json/jsontestsuite.json');

  it.each(Object.keys(surfaces) as Dialect[])(
    'is refused in the words of %s, over the same connection',
    async (dialect) => {
      const wrong: string[] = [];
      for (const one of cases()) {
        const answer = await send(surfaces[dialect], bytesOf(one));
        const error = errorOf(answer, dialect);
        if (answer.status !== 400 || error?.type !== 'invalid_request_error')
          wrong.push(`${one.name} ${answer.status}`);
      }
      expect(wrong).toEqual([]);
      expect(bed.model.seen).toEqual([]);
      expect(sockets.size).toBe(1);
    },
  );

  it('beside the name of a model passes byte for byte, or not at all', async () => {
    const wrong: string[] = [];
    let passed = 0;
    for (const one of cases()) {
      const body = Buffer.concat([Buffer.from('{"model":"tiny-llm","x":'), bytesOf(one), Buffer.from('}')]);
      bed.model.seen.length = 0;
      const answer = await send(surfaces.openai, body);
      const isSame = answer.status === 200 && answer.body.equals(body) && bed.model.seen[0]?.body.equals(body);
      const isRefused = answer.status === 400 && bed.model.seen.length === 0;
      if (isSame) passed++;
      if (!isSame && (one.name.startsWith('y_') || !isRefused)) wrong.push(`${one.name} ${answer.status}`);
    }
    expect(wrong).toEqual([]);
    expect(passed).toBeGreaterThan(95);
    expect(sockets.size).toBe(1);
  });
});

describe('the bodies that KServe’s own tests send', () => {
  beforeEach(({ skip }) => skip(suitesMissing !== undefined, suitesMissing));

  it.each<[string, string, string]>([
    ['openai/chat_completion_create_params', 'chat/completions', 'gpt-3.5-turbo'],
    ['openai/completion_create_params', 'completions', 'gpt-3.5-turbo'],
    ['openai/embedding_create_params', 'embeddings', 'hf-text-embedding-openai'],
    ['openai/rerank_create_params', 'rerank', 'model_name'],
    ['qwen_input_chat', 'chat/completions', 'qwen-chat'],
    ['qwen_input_chat_stream', 'chat/completions', 'qwen-chat-stream'],
    ['qwen_input_cmpl', 'completions', 'qwen-cmpl'],
    ['qwen_input_cmpl_stream', 'completions', 'qwen-cmpl-stream'],
    ['text_embedding_input_openai_float', 'embeddings', 'text-embedding-openai'],
    ['text_embedding_input_openai_base64', 'embeddings', 'text-embedding-openai'],
    ['bge-reranker-base', 'rerank', 'bge-reranker-base'],
  ])('%s arrives as it was sent', async (file, endpoint, named) => {
    const body = suiteText(`clients/${file}.json`);
    expect((JSON.parse(body) as { model: string }).model).toBe(named);
    const other = await TestBed.start({}, { more: [{ model: 'fraud/llm', modelName: named, protocols: ['openai'] }] });
    try {
      other.model.behaviour = 'echo';
      const path = `/serving/fraud/llm/openai/v1/${endpoint}`;
      const all = other.issuer.signFor('fraud/llm:generate fraud/llm:embed fraud/llm:rerank');
      const answer = await other.send({ path, token: all, headers: { 'content-type': 'application/json' }, body });
      expect([answer.status, answer.body.toString()]).toEqual([200, body]);
      // And at the gateway's own host, where nothing but the name is another.
      const spelt = body.replace(`"${named}"`, '"fraud/llm"');
      const own = `/openai/v1/${endpoint}`;
      const spliced = await other.send({
        path: own,
        token: all,
        headers: { 'content-type': 'application/json' },
        body: spelt,
      });
      expect([spliced.status, spliced.body.toString()]).toEqual([200, body]);
    } finally {
      await other.stop();
    }
  });
});

describe('the bodies of V1 and V2 that KServe’s own tests send', () => {
  beforeEach(({ skip }) => skip(suitesMissing !== undefined, suitesMissing));

  it.each([
    ...['bert_fill_mask_v1', 'income_input', 'iris_batch_input', 'iris_input', 'mnist_input', 'sklearn_mixed'].map(
      (file) => ['v1', 'predict', file] as const,
    ),
    ...['bert_sequence_classification_v2', 'cifar10_input_v2', 'iris_input_v2', 'iris_input_v2_all_binary'].map(
      (file) => ['v2', 'infer', file] as const,
    ),
    ...['iris_input_v2_binary', 'mlflow_input_v2', 'sklearn_mixed_v2', 'text_embedding_input_v2'].map(
      (file) => ['v2', 'infer', file] as const,
    ),
    ['v2', 'infer', 'torchserve_input_v2'] as const,
  ])('%s %s %s arrives as it was sent', async (version, verb, file) => {
    const body = suiteText(`clients/${file}.json`);
    const path = `/serving/fraud/iris/${version}/models/iris${verb === 'infer' ? '/' : ':'}${verb}`;
    const answer = await send(path, body, { authorization: `Bearer ${bed.issuer.sign()}` });
    expect([answer.status, answer.body.toString() === body]).toEqual([200, true]);
    expect(bed.model.seen[0]?.body.toString() === body).toBe(true);
  });
});

describe('a body that names a model in a way that can be read in two', () => {
  const utf16 = Buffer.from('{"model":"tiny-llm"}', 'utf16le');
  it.each<[string, Buffer | string, string]>([
    ['two models', '{"model":"tiny-llm","model":"secret"}', 'model_ambiguous'],
    ['two models, one of them escaped', '{"model":"tiny-llm","mod\\u0065l":"secret"}', 'model_ambiguous'],
    ['a model in capitals', '{"model":"tiny-llm","MODEL":"secret"}', 'model_ambiguous'],
    ['a model within', '{"params":{"model":"tiny-llm"}}', 'model_missing'],
    ['a list of models', '{"model":["tiny-llm"]}', 'model_missing'],
    ['a number', '{"model":7}', 'model_missing'],
    ['half a surrogate pair', '{"model":"\\ud800"}', 'model_missing'],
    ['a byte order mark', '\ufeff{"model":"tiny-llm"}', 'body_malformed'],
    ['UTF-16', utf16, 'body_malformed'],
    ['UTF-16 with a byte order mark', Buffer.concat([Buffer.from([0xff, 0xfe]), utf16]), 'body_malformed'],
    ['UTF-32', Buffer.from('{"model":"tiny-llm"}'.split('').join('\0\0\0') + '\0\0\0'), 'body_malformed'],
    ['a million brackets', `{"model":"tiny-llm","x":${'['.repeat(1_000_000)}`, 'body_malformed'],
    ['nothing', '', 'body_malformed'],
    ['a form in disguise', 'model=tiny-llm', 'body_malformed'],
    ['a name with a space behind it', '{"model":"tiny-llm "}', 'model_not_found'],
    ['a name in other letters', '{"model":"Tiny-LLM"}', 'model_not_found'],
  ])('is refused: %s', async (_, body, code) => {
    const answer = await send(surfaces.openai, body);
    expect([answer.status, errorOf(answer, 'openai')?.code]).toEqual([code === 'model_not_found' ? 404 : 400, code]);
    expect(bed.model.seen).toEqual([]);
    expect((await send(surfaces.openai, '{"model":"tiny-llm"}')).status).toBe(200);
    expect(sockets.size).toBe(1);
  });

  it.each<[string, Buffer | string, Record<string, string>, string]>([
    ['gzip', gzipSync('{"model":"tiny-llm"}'), { 'content-encoding': 'gzip' }, 'content_encoding'],
    ['Brotli', brotliCompressSync('{"model":"tiny-llm"}'), { 'content-encoding': 'br' }, 'content_encoding'],
    ['deflate', deflateSync('{"model":"tiny-llm"}'), { 'content-encoding': 'deflate' }, 'content_encoding'],
    ['zstd', zstdCompressSync('{"model":"tiny-llm"}'), { 'content-encoding': 'zstd' }, 'content_encoding'],
    ['gzip, in name alone', '{"model":"tiny-llm"}', { 'content-encoding': 'identity, gzip' }, 'content_encoding'],
    ['a bomb', gzipSync(Buffer.alloc(10_000_000)), { 'content-encoding': 'gzip' }, 'content_encoding'],
    ['another type', '{"model":"tiny-llm"}', { 'content-type': 'text/plain' }, 'content_type'],
    ['another charset', '{"model":"tiny-llm"}', { 'content-type': 'application/json; charset=utf-16' }, 'content_type'],
    ['a type and more', '{"model":"tiny-llm"}', { 'content-type': 'application/json\ta' }, 'content_type'],
    ['a form', '--b--\r\n', { 'content-type': 'multipart/form-data; boundary=b' }, 'content_type'],
  ])('is refused for its encoding: %s', async (_, body, headers, code) => {
    const answer = await send(surfaces.openai, body, headers);
    expect([answer.status, errorOf(answer, 'openai')?.code]).toEqual([415, code]);
    expect(bed.model.seen).toEqual([]);
    expect((await send(surfaces.openai, '{"model":"tiny-llm"}')).status).toBe(200);
    expect(sockets.size).toBe(1);
  });
});

describe('a form that can be read in two ways', () => {
  const type = { 'content-type': 'multipart/form-data; boundary=b' };
  const part = (head: string, content: string): string =>
    `--b\r\nContent-Disposition: form-data; ${head}\r\n\r\n${content}\r\n`;
  const model = part('name="model"', 'tiny-llm');
  const file = part('name="file"; filename="a.wav"', 'RIFF');

  it('is forwarded where it cannot', async () => {
    const body = `${file}${model}--b--\r\n`;
    const answer = await send(transcription, body, type);
    expect([answer.status, answer.body.toString()]).toEqual([200, body]);
  });

  it.each<[string, string, string]>([
    ['two models', `${model}${part('name="model"', 'secret')}--b--\r\n`, 'model_ambiguous'],
    ['a model that is a file', `${part('name="model"; filename="m"', 'tiny-llm')}--b--\r\n`, 'model_missing'],
    [
      'a second name behind an escaped quote',
      `${part('name="x\\"; name=\\"model"', 'secret')}${model}--b--\r\n`,
      'body_malformed',
    ],
    ['a charset for all of it', `${part('name="_charset_"', 'utf-16')}${model}--b--\r\n`, 'body_malformed'],
    [
      'a part in another encoding',
      `${model.replace('\r\n\r\n', '\r\nContent-Transfer-Encoding: base64\r\n\r\n')}--b--\r\n`,
      'body_malformed',
    ],
    ['bare line feeds', `${file}${model}--b--\r\n`.replaceAll('\r\n', '\n'), 'body_malformed'],
    ['a form behind the form', `${model}--b--\r\n${part('name="model"', 'secret')}--b--\r\n`, 'body_malformed'],
    ['a form before the form', `x\r\n${model}--b--\r\n`, 'body_malformed'],
    ['no end', `${file}${model}`, 'body_malformed'],
    ['no model', `${file}--b--\r\n`, 'model_missing'],
    ['JSON', '{"model":"tiny-llm"}', 'body_malformed'],
  ])('is refused: %s', async (_, body, code) => {
    const answer = await send(transcription, body, type);
    expect([answer.status, errorOf(answer, 'openai')?.code]).toEqual([400, code]);
    expect(bed.model.seen).toEqual([]);
    expect((await send(transcription, `${model}--b--\r\n`, type)).status).toBe(200);
    expect(sockets.size).toBe(1);
  });

  it.each([
    'multipart/form-data',
    'multipart/form-data; boundary=b; boundary=c',
    'multipart/form-data; boundary="b',
    'multipart/mixed; boundary=b',
    'application/x-www-form-urlencoded',
    'application/json',
  ])('is refused for its type: %s', async (contentType) => {
    const answer = await send(transcription, `${model}--b--\r\n`, { 'content-type': contentType });
    expect([answer.status, errorOf(answer, 'openai')?.code]).toEqual([415, 'content_type']);
    expect(bed.model.seen).toEqual([]);
  });
});
