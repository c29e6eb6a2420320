import { FakeKServe } from '@modelgate/testing';
import Anthropic, { type ClientOptions } from '@anthropic-ai/sdk';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TestBed } from '../gateway.fixture.ts';

let server: FakeKServe;
let bed: TestBed;
let statuses: number[];

beforeAll(async () => {
  server = await FakeKServe.start();
  const llm = { model: 'chat/llm', modelName: 'tiny-llm', upstream: server.url, openaiPrefix: '' };
  bed = await TestBed.start({}, { more: [{ ...llm, protocols: ['openai', 'anthropic'], runtime: 'vllm' }] });
});
afterAll(async () => {
  await bed.stop();
  await server.close();
});
beforeEach(() => {
  server.seen.length = 0;
  statuses = [];
});

type Credential = Pick<ClientOptions, 'apiKey' | 'authToken' | 'defaultHeaders'>;

function client(credential: Credential, prefix = '/openai'): Anthropic {
  return new Anthropic({
    baseURL: bed.gateway.url + prefix,
    fetch: async (url, init) => {
      const response = await fetch(url, init);
      statuses.push(response.status);
      return response;
    },
    ...credential,
  });
}

const scope = 'chat/llm:generate chat/llm:tokenize';
const question = { model: 'chat/llm', max_tokens: 5, messages: [{ role: 'user' as const, content: 'hello' }] };
const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'tiny-llm',
  content: [{ type: 'text', text: 'hi' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 1, output_tokens: 1 },
};

/** As Anthropic's service and vLLM write it: the event's name, and its data. */
const events = [
  { type: 'message_start', message: { ...message, content: [] } },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'ping' },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'hi' } },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 1 } },
  { type: 'message_stop' },
].map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);

async function refusal(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => expect.unreachable('was not refused'),
    (error: unknown) => error,
  );
}

describe('Anthropic’s library', () => {
  it.each<[string, (token: string) => Credential]>([
    ['for a key', (token) => ({ apiKey: token })],
    ['for a token', (token) => ({ authToken: token })],
    [
      'in the field that its earlier versions send',
      (token) => ({ apiKey: null, defaultHeaders: { 'x-api-key': token } }),
    ],
  ])('takes a token %s, and the model server never sees it', async (_, credential) => {
    server.json(message);
    const token = bed.issuer.signFor(scope);
    const answer = await client(credential(token)).messages.create(question).withResponse();
    expect(answer.data.content).toEqual(message.content);
    expect(answer.request_id).toMatch(/^[\w-]{8,}$/);
    const [seen] = server.seen;
    expect(seen?.url).toBe('/v1/messages');
    expect(JSON.parse(seen?.body.toString() ?? '')).toEqual({ ...question, model: 'tiny-llm' });
    expect(JSON.stringify(seen?.headers)).not.toContain(token.slice(0, 20));
  });

  it('streams a message, at the gateway’s own host and below a model’s path', async () => {
    server.events(events);
    const credential = { apiKey: bed.issuer.signFor(scope) };
    const own = await client(credential).messages.stream(question).finalText();
    const byPath = client(credential, '/serving/chat/llm').messages.stream({ ...question, model: 'tiny-llm' });
    expect([own, await byPath.finalText()]).toEqual(['hi', 'hi']);
  });

  it('counts tokens with a verb of its own', async () => {
    server.json({ input_tokens: 3 });
    const { model, messages } = question;
    const count = (scopes: string): Promise<unknown> =>
      client({ apiKey: bed.issuer.signFor(scopes) }).messages.countTokens({ model, messages });
    expect(await count('chat/llm:tokenize')).toEqual({ input_tokens: 3 });
    expect(await refusal(count('chat/llm:generate'))).toBeInstanceOf(Anthropic.PermissionDeniedError);
  });

  it('may choose the beta version of a service that the model server is not', async () => {
    server.json(message);
    const anthropic = client({ apiKey: bed.issuer.signFor(scope) });
    expect(await anthropic.post('/v1/messages?beta=true', { body: question })).toMatchObject({ id: 'msg_1' });
    expect(server.seen[0]?.url).toBe('/v1/messages');
  });

  it('is told why it is refused', async () => {
    const of = (scopes: string, model: string): Promise<unknown> =>
      refusal(client({ apiKey: bed.issuer.signFor(scopes) }).messages.create({ ...question, model }));
    const lacking = await of('chat/llm:embed', 'chat/llm');
    expect(lacking).toBeInstanceOf(Anthropic.PermissionDeniedError);
    expect(lacking).toMatchObject({
      type: 'permission_error',
      apiMessage: 'The token does not permit this. Missing scope: chat/llm:generate.',
      requestID: expect.stringMatching(/^[\w-]{8,}$/),
    });
    const unknown = await of(scope, 'chat/other');
    expect(unknown).toBeInstanceOf(Anthropic.NotFoundError);
    expect(unknown).toMatchObject({ type: 'not_found_error' });
    const wrong = await refusal(client({ apiKey: 'sk-ant-x' }).messages.create(question));
    expect(wrong).toBeInstanceOf(Anthropic.AuthenticationError);
    expect(statuses).toEqual([403, 404, 401]);
    expect(server.seen).toEqual([]);
  });

  it('fetches a new token once the old one has expired, without a failed call', async () => {
    server.json(message);
    const now = Math.floor(Date.now() / 1000);
    const tokens = [bed.issuer.signFor(scope, { iat: now - 900, exp: now - 600 }), bed.issuer.signFor(scope)];
    const anthropic = client({ apiKey: () => Promise.resolve(tokens[statuses.length] ?? '') });
    expect(await anthropic.messages.create(question)).toMatchObject({ id: 'msg_1' });
    expect(statuses).toEqual([401, 200]);
  });

  it('does not ask again where the model may have done the work', async () => {
    server.behaviour = { pieces: [null] };
    const error = await refusal(client({ apiKey: bed.issuer.signFor(scope) }).messages.create(question));
    expect(error).toMatchObject({ status: 502, type: 'api_error' });
    expect(server.seen).toHaveLength(1);
  });
});
