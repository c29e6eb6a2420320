import { FakeKServe, suitesMissing, suiteText } from '@modelgate/testing';
import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TestBed } from '../gateway.fixture.ts';

let server: FakeKServe;
let bed: TestBed;
let statuses: number[];

beforeAll(async () => {
  server = await FakeKServe.start();
  const served = { upstream: server.url, protocols: ['openai'], runtime: 'vllm' };
  const models = [
    { ...served, model: 'chat/llm', modelName: 'gpt-3.5-turbo', openaiPrefix: '' },
    { ...served, model: 'text/embed', modelName: 'hf-text-embedding-openai' },
    { ...served, model: 'text/ranker', modelName: 'model_name' },
    { ...served, model: 'audio/whisper', aliases: [{ alias: 'large', servedName: 'openai/whisper-large-v3' }] },
  ];
  bed = await TestBed.start({}, { more: models });
});
afterAll(async () => {
  await bed.stop();
  await server.close();
});
beforeEach(() => {
  server.seen.length = 0;
  statuses = [];
});

const all =
  'chat/llm:generate chat/llm:tokenize text/embed:embed text/ranker:rerank audio/whisper:transcribe audio/whisper#large:transcribe';

function client(scope = all, options: object = {}): OpenAI {
  return new OpenAI({
    baseURL: `${bed.gateway.url}/openai/v1`,
    apiKey: bed.issuer.signFor(scope),
    fetch: async (url, init) => {
      const response = await fetch(url, init);
      statuses.push(response.status);
      return response;
    },
    ...options,
  });
}

const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: 'What is AI?' }];
const chat = { model: 'chat/llm', messages };

async function refusal(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => expect.unreachable('was not refused'),
    (error: unknown) => error,
  );
}

/** The body that reached the server. */
const sent = (): Record<string, unknown> =>
  JSON.parse(server.seen.at(-1)?.body.toString() ?? '') as Record<string, unknown>;

describe('OpenAI’s library and what KServe’s own tests recorded', () => {
  beforeEach(({ skip }) => skip(suitesMissing !== undefined, suitesMissing));
  const recorded = (name: string): string => suiteText(`clients/openai/${name}`);

  it('reads a chat and a completion', async () => {
    server.json(recorded('chat_completion.json'));
    const answer = await client().chat.completions.create(chat);
    expect(answer.choices[0]?.logprobs?.content?.length).toBeGreaterThan(0);
    expect(server.seen[0]?.url).toBe('/v1/chat/completions');
    expect(sent()).toEqual({ ...chat, model: 'gpt-3.5-turbo' });
    server.json(recorded('completion.json'));
    const completion = await client().completions.create({ model: 'chat/llm', prompt: 'What is AI?' });
    expect(completion.choices[0]?.text).toBe('\n\nAI stands for artificial intelligence.');
  });

  it.each(['chat_completion_chunk_stream.txt', 'completion_chunk_stream.txt'])('reads %s', async (name) => {
    const text = recorded(name);
    const events = text.split('\n\n').filter((event) => event.startsWith('data: {'));
    // Cut where no event ends.
    server.events(text.match(/[^]{1,50}/g) ?? []);
    const openai = client();
    const stream = name.startsWith('chat')
      ? await openai.chat.completions.create({ ...chat, stream: true })
      : await openai.completions.create({ model: 'chat/llm', prompt: 'What is AI?', stream: true });
    const chunks: unknown[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks).toEqual(events.map((event) => JSON.parse(event.slice(6)) as unknown));
    expect(chunks.length).toBeGreaterThan(5);
  });

  it('reads embeddings and a ranking', async () => {
    server.json(recorded('embedding.json'));
    const { data } = await client().embeddings.create({ model: 'text/embed', input: 'x', encoding_format: 'float' });
    expect(data[0]?.embedding[0]).toBe(0.09812460094690323);
    server.json(recorded('rerank.json'));
    const body = { ...(JSON.parse(recorded('rerank_create_params.json')) as object), model: 'text/ranker' };
    expect(await client().post('/rerank', { body })).toMatchObject({ results: [{ relevance_score: 0.95 }, {}] });
    expect(sent()).toMatchObject({ model: 'model_name' });
  });
});

describe('OpenAI’s library', () => {
  it('uploads what is to be transcribed, byte by byte', async () => {
    server.json({ text: 'hello' });
    const audio = Buffer.from(Array.from({ length: 300_000 }, (_, at) => at % 256));
    const file = await toFile(audio, 'größe.wav', { type: 'audio/wav' });
    const answer = await client().audio.transcriptions.create({ file, model: 'audio/whisper#large', language: 'en' });
    expect(answer.text).toBe('hello');
    const { url, headers, body } = server.seen[0] ?? expect.unreachable('nothing was sent');
    expect(url).toBe('/openai/v1/audio/transcriptions');
    const form = await new Response(body, { headers: { 'content-type': headers['content-type'] ?? '' } }).formData();
    expect(form.getAll('model')).toEqual(['openai/whisper-large-v3']);
    expect(form.get('language')).toBe('en');
    expect(Buffer.from(await (form.get('file') as File).arrayBuffer()).equals(audio)).toBe(true);
    const other = client('audio/whisper:transcribe').audio.translations.create({ file, model: 'audio/whisper#large' });
    expect(await refusal(other)).toBeInstanceOf(OpenAI.PermissionDeniedError);
  });

  it('creates a response, and counts tokens at a server that does', async () => {
    server.json({ id: 'resp_1', object: 'response', output: [], status: 'completed' });
    expect(await client().responses.create({ model: 'chat/llm', input: 'hi' })).toMatchObject({ id: 'resp_1' });
    expect(await refusal(client().responses.retrieve('resp_1'))).toBeInstanceOf(OpenAI.NotFoundError);
    server.json({ count: 2, tokens: [1, 2] });
    const url = new URL('/openai/tokenize', bed.gateway.url).href;
    expect(await client().post(url, { body: { model: 'chat/llm', prompt: 'hi' } })).toMatchObject({ count: 2 });
    expect(server.seen.map((request) => request.url)).toEqual(['/v1/responses', '/tokenize']);
  });

  it('gets every event when it is written, not when the next one is', async () => {
    const gates = Array.from({ length: 3 }, () => Promise.withResolvers<string>());
    server.events(gates.map(({ promise }) => promise));
    const event = (content: string): string => `data: {"choices":[{"delta":{"content":"${content}"}}]}\n\n`;
    gates[0]?.resolve(event('0'));
    const stream = await client().chat.completions.create({ ...chat, stream: true });
    const seen: string[] = [];
    for await (const { choices } of stream) {
      seen.push(choices[0]?.delta.content ?? '');
      const next = gates[seen.length];
      next?.resolve(seen.length === 2 ? `${event('2')}data: [DONE]\n\n` : event(String(seen.length)));
    }
    expect(seen).toEqual(['0', '1', '2']);
  });

  it('is told of an error by the model server in the server’s own words', async () => {
    server.json({ error: { message: 'too long', type: 'BadRequestError', param: 'messages', code: 400 } }, 400);
    const error = await refusal(client().chat.completions.create(chat));
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error).toMatchObject({ type: 'BadRequestError', param: 'messages' });
    server.events(['data: {"error":{"message":"out of memory","type":"server_error","code":500}}\n\n']);
    const stream = await client().chat.completions.create({ ...chat, stream: true });
    const broken = (async () => {
      for await (const chunk of stream) expect.unreachable(JSON.stringify(chunk));
    })();
    expect(await refusal(broken)).toMatchObject({ error: { message: 'out of memory' } });
  });

  it('sees a stream that breaks off as that, never as its end', async () => {
    const next = Promise.withResolvers<null>();
    server.events(['data: {"choices":[]}\n\n', next.promise]);
    const stream = await client().chat.completions.create({ ...chat, stream: true });
    let chunks = 0;
    const read = (async () => {
      for await (const { choices } of stream) {
        chunks += 1 + choices.length;
        next.resolve(null);
      }
    })();
    expect(await refusal(read)).toMatchObject({ message: 'terminated' });
    expect(chunks).toBe(1);
  });
});

describe('OpenAI’s library at a server without a prefix', () => {
  const bare = (apiKey: () => Promise<string>): OpenAI =>
    client(all, { baseURL: `${bed.gateway.url}/serving/chat/llm/v1`, apiKey });

  it('is told in its own words what its token does not reach, and what is not there', async () => {
    const openai = bare(() => Promise.resolve(bed.issuer.signFor('chat/llm:generate')));
    expect(await refusal(openai.models.list())).toMatchObject({ status: 403, code: 'insufficient_scope' });
    expect(await refusal(openai.models.retrieve('other'))).toMatchObject({ status: 404, code: 'model_not_found' });
  });

  it('is told what it means where the server has no list, or none yet', async () => {
    const openai = bare(() => Promise.resolve(bed.issuer.signFor('chat/llm:metadata')));
    server.json({ detail: 'Not Found: /mnt/models/secret' }, 404);
    const missing = await refusal(openai.models.list());
    expect(missing).toBeInstanceOf(OpenAI.NotFoundError);
    expect(missing).toMatchObject({ code: 'unknown_route', error: { message: 'Not Found' } });
    server.json({ error: 'secret is loading' }, 503);
    expect(await refusal(openai.models.list({ maxRetries: 0 }))).toMatchObject({ status: 503, code: 'upstream_busy' });
    server.json({ error: 'secret' }, 500);
    expect(await refusal(openai.models.list())).toMatchObject({ status: 502, code: 'upstream_answer' });
  });

  it('fetches a new token even if the dialect of the request is unknown', async () => {
    server.json({ object: 'list', data: [{ id: 'gpt-3.5-turbo' }, { id: 'secret' }] });
    const now = Math.floor(Date.now() / 1000);
    const old = bed.issuer.signFor('chat/llm:metadata', { iat: now - 900, exp: now - 600 });
    const openai = bare(() => Promise.resolve(statuses.length === 0 ? old : bed.issuer.signFor('chat/llm:metadata')));
    const { data } = await openai.models.list();
    expect(data.map(({ id }) => id)).toEqual(['gpt-3.5-turbo']);
    expect(statuses).toEqual([401, 200]);
  });
});

describe('OpenAI’s library tries again', () => {
  it('within its limit when it has come too often, as soon as it is told to', async () => {
    await spend('one-in-five-seconds', 5);
    server.json({ choices: [] });
    statuses = [];
    const token = bed.issuer.signFor(all, { policy: 'one-in-five-seconds' });
    const { response } = await client(all, { apiKey: token }).chat.completions.create(chat).withResponse();
    expect(statuses).toEqual([429, 200]);
    expect(response.headers.get('x-ratelimit-limit-requests')).toBe('1');
    expect(response.headers.get('x-ratelimit-remaining-requests')).toBe('0');
  });

  /** Gives the policy one request in so many seconds, and makes it. */
  async function spend(policy: string, windowSeconds: number): Promise<void> {
    await bed.setLimit(policy, { quota: 1, windowSeconds });
    const token = bed.issuer.signFor(all, { policy });
    const asked = { path: '/openai/v1/chat/completions', token, headers: { 'content-type': 'application/json' } };
    server.json({ choices: [] });
    expect((await bed.send({ ...asked, body: JSON.stringify(chat) })).status).toBe(200);
  }

  it('never when it would have to wait for longer than it can', async () => {
    await spend('one-a-day', 86_400);
    const token = bed.issuer.signFor(all, { policy: 'one-a-day' });
    statuses = [];
    const error = await refusal(client(all, { apiKey: token }).chat.completions.create(chat));
    expect(error).toBeInstanceOf(OpenAI.RateLimitError);
    expect(error).toMatchObject({ code: 'rate_limit_exceeded' });
    expect(statuses).toEqual([429]);
  });

  it('when the model server says that it is busy', async () => {
    server.json({ error: { message: 'busy' } }, 503, { 'retry-after': '0' });
    const error = await refusal(client().chat.completions.create(chat));
    expect(error).toBeInstanceOf(OpenAI.InternalServerError);
    expect(statuses).toEqual([503, 503, 503]);
  });

  it('never where the model may have done the work', async () => {
    server.behaviour = { pieces: [null] };
    const error = await refusal(client().chat.completions.create(chat));
    expect(error).toMatchObject({ status: 502, code: 'upstream_broken' });
    expect(server.seen).toHaveLength(1);
  });

  it('never with a token that is revoked', async () => {
    server.json({ choices: [] });
    bed.issuer.revoke('gone');
    const token = bed.issuer.signFor(all, { jti: 'gone' });
    await expect
      .poll(() => bed.send({ path: '/openai/v1/models', method: 'GET', token }), { timeout: 30_000 })
      .toMatchObject({ status: 401 });
    statuses = [];
    const error = await refusal(client(all, { apiKey: () => Promise.resolve(token) }).chat.completions.create(chat));
    expect(error).toMatchObject({ code: 'invalid_api_key' });
    expect(statuses).toEqual([401]);
  });
});
