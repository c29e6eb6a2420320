import { kserveOpenai, requireOrSkip, type LanguageModelServer } from '@modelgate/real-parts';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TestBed } from '../gateway.fixture.ts';

const installAndStart = 600_000;
const missing = await requireOrSkip(kserveOpenai);
let server: LanguageModelServer;
let bed: TestBed;

beforeAll(async () => {
  if (missing) return;
  server = await kserveOpenai.start();
  const llm = { model: 'chat/llm', modelName: 'tiny-llm', aliases: [{ alias: 'sql', servedName: 'sql-lora' }] };
  bed = await TestBed.start({}, { more: [{ ...llm, upstream: server.url, protocols: ['openai'] }] });
}, installAndStart);
beforeEach(({ skip }) => skip(missing !== undefined, missing));
afterAll(async () => {
  await bed?.stop();
  await server?.stop();
});

const own = '/openai/v1';
const byPath = '/serving/chat/llm/openai/v1';

/** OpenAI's library, as its users set it up: a base URL and a token for a key. */
function client(apiKey: string | (() => Promise<string>), path = own): OpenAI {
  return new OpenAI({ baseURL: bed.gateway.url + path, apiKey });
}

const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: 'hello' }];
const generate = 'chat/llm:generate';

/** What the library throws. */
async function refusal(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => expect.unreachable('was not refused'),
    (error: unknown) => error,
  );
}

describe('OpenAI’s library before KServe’s own server', () => {
  it.each([
    [own, 'chat/llm', 'tiny-llm'],
    [own, 'chat/llm#sql', 'sql-lora'],
    [byPath, 'tiny-llm', 'tiny-llm'],
    [byPath, 'sql-lora', 'sql-lora'],
  ])('at %s chats with %s', async (path, model, served) => {
    const openai = client(bed.issuer.signFor(`${generate} chat/llm#sql:generate`), path);
    const answer = await openai.chat.completions.create({ model, messages, max_tokens: 3 });
    expect(answer).toMatchObject({ model: served, usage: { completion_tokens: 3 } });
    const again = await openai.chat.completions.create({ model, messages, max_tokens: 3 }).withResponse();
    expect(again.data.choices).toEqual(answer.choices);
    expect(again.request_id).toMatch(/^[\w-]{8,}$/);
  });

  it('streams a chat and a completion word by word', async () => {
    const openai = client(bed.issuer.signFor(generate));
    const chat = await openai.chat.completions.create({ model: 'chat/llm', messages, max_tokens: 50, stream: true });
    const words: string[] = [];
    for await (const { choices } of chat) words.push(choices[0]?.delta.content ?? '');
    expect(words.filter((word) => word !== '')).toHaveLength(50);
    const whole = await openai.chat.completions.create({ model: 'chat/llm', messages, max_tokens: 50 });
    expect(words.join('')).toBe(whole.choices[0]?.message.content);
    const text = await openai.completions.create({ model: 'chat/llm', prompt: 'x', max_tokens: 4, stream: true });
    let pieces = 0;
    for await (const { choices } of text) pieces += choices.length;
    expect(pieces).toBe(4);
  });

  it('lists and retrieves what its token permits', async () => {
    const ids = async (scope: string, path = own): Promise<string[]> => {
      const { data } = await client(bed.issuer.signFor(scope), path).models.list();
      return data.map(({ id }) => id);
    };
    expect(await ids(generate)).toEqual(['chat/llm']);
    expect(await ids('chat/llm#sql:generate')).toEqual(['chat/llm#sql']);
    expect(await ids('chat/llm:metadata', byPath)).toEqual(['tiny-llm']);
    expect(await ids('chat/llm:metadata chat/llm#sql:generate', byPath)).toEqual(['tiny-llm', 'sql-lora']);
    const openai = client(bed.issuer.signFor('chat/llm#sql:generate'));
    expect(await openai.models.retrieve('chat/llm#sql')).toMatchObject({ id: 'chat/llm#sql', object: 'model' });
    expect(await refusal(openai.models.retrieve('chat/llm'))).toBeInstanceOf(OpenAI.NotFoundError);
    const atModel = client(bed.issuer.signFor(generate), byPath);
    expect(await atModel.models.retrieve('tiny-llm')).toMatchObject({ id: 'tiny-llm', owned_by: 'chat' });
  });

  it('is told why it is refused', async () => {
    const of = (scope: string, model: string): Promise<unknown> =>
      refusal(client(bed.issuer.signFor(scope)).chat.completions.create({ model, messages }));
    const lacking = await of(generate, 'chat/llm#sql');
    expect(lacking).toBeInstanceOf(OpenAI.PermissionDeniedError);
    expect(lacking).toMatchObject({ status: 403, code: 'insufficient_scope', type: 'permission_error' });
    expect(String(lacking)).toContain('Missing scope: chat/llm#sql:generate.');
    const unknown = await of(generate, 'chat/other');
    expect(unknown).toBeInstanceOf(OpenAI.NotFoundError);
    expect(unknown).toMatchObject({ code: 'model_not_found', param: 'model', requestID: expect.any(String) });
    const wrong = await refusal(client('sk-no-token').chat.completions.create({ model: 'chat/llm', messages }));
    expect(wrong).toBeInstanceOf(OpenAI.AuthenticationError);
    expect(wrong).toMatchObject({ code: 'invalid_api_key' });
  });

  it('fetches a new token once the old one has expired, without a failed call', async () => {
    const now = Math.floor(Date.now() / 1000);
    const tokens = [bed.issuer.signFor(generate, { iat: now - 900, exp: now - 600 }), bed.issuer.signFor(generate)];
    const statuses: number[] = [];
    const openai = new OpenAI({
      baseURL: bed.gateway.url + own,
      apiKey: () => Promise.resolve(tokens[statuses.length] ?? ''),
      fetch: async (url, init) => {
        const response = await fetch(url, init);
        statuses.push(response.status);
        return response;
      },
    });
    const answer = await openai.chat.completions.create({ model: 'chat/llm', messages, max_tokens: 1 });
    expect(answer.model).toBe('tiny-llm');
    expect(statuses).toEqual([401, 200]);
  });
});
