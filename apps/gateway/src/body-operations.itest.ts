import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { TestBed } from './gateway.fixture.ts';

const llm = {
  model: 'fraud/llm',
  modelName: 'tiny-llm',
  protocols: ['openai', 'anthropic'],
  aliases: [{ alias: 'sql', servedName: 'org/sql-lora' }],
};
const chat = '/serving/fraud/llm/openai/v1/chat/completions';
const json = { 'content-type': 'application/json' };
const patient = { timeout: 30_000, interval: 20 };

let bed: TestBed;
let token: string;
beforeAll(async () => {
  bed = await TestBed.start({ MAX_BODY_BYTES: '100000', MAX_BUFFERED_BYTES: '150000' }, { more: [llm] });
  token = bed.issuer.signFor('fraud/llm:generate');
});
afterAll(() => bed.stop());
beforeEach(() => {
  bed.model.behaviour = 'echo';
  bed.model.seen.length = 0;
});

describe('a request whose body names the model', () => {
  it('reaches the server as it was sent', async () => {
    const body = '{"seed":9223372036854775807,"x":1.0,\n"model":"tiny-llm"}';
    const answer = await bed.send({ path: chat, token, headers: json, body });
    expect(answer.status).toBe(200);
    expect(answer.body.toString()).toBe(body);
    expect(bed.model.seen[0]?.url).toBe('/openai/v1/chat/completions');
  });

  it('reaches it from the gateway’s own host under the name of its server', async () => {
    const answer = await bed.send({
      path: '/openai/v1/chat/completions',
      token,
      headers: { ...json, 'transfer-encoding': 'chunked' },
      body: '{"model":"fraud/llm","n":1}',
    });
    expect(answer.body.toString()).toBe('{"model":"tiny-llm","n":1}');
  });

  it.each([
    ['an alias the token does not name', chat, '{"model":"org/sql-lora"}', 403, 'insufficient_scope'],
    ['no model', chat, '{"messages":[]}', 400, 'model_missing'],
    ['another model', chat, '{"model":"other"}', 404, 'model_not_found'],
    ['no JSON', chat, '{"model":', 400, 'body_malformed'],
  ])('is refused for %s, in the words of its clients', async (_, path, body, status, code) => {
    const answer = await bed.send({ path, token, headers: json, body });
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body.toString())).toMatchObject({ error: { code } });
    expect(bed.model.seen).toEqual([]);
  });

  it('is judged by its alias where the token names that', async () => {
    const alias = bed.issuer.signFor('fraud/llm#sql:generate');
    const of = (model: string) => bed.send({ path: chat, token: alias, headers: json, body: `{"model":"${model}"}` });
    expect((await of('org/sql-lora')).status).toBe(200);
    expect((await of('tiny-llm')).status).toBe(403);
  });

  it('is refused for its token before any of its body is read', async () => {
    const head = `POST ${chat} HTTP/1.1\r\nhost: models.example.com\r\ncontent-type: application/json\r\n`;
    const answer = await bed.raw(`${head}content-length: 100\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
  });

  it('may be as large as a body may be, and no larger', async () => {
    const of = (length: number) => `{"model":"tiny-llm","x":"${'x'.repeat(length - 27)}"}`;
    const send = (body: string) =>
      bed.send({ path: chat, token, headers: { ...json, 'transfer-encoding': 'chunked' }, body });
    expect(of(100).length).toBe(100);
    expect((await send(of(100_000))).status).toBe(200);
    expect((await send(of(100_001))).status).toBe(413);
  });

  it('is held within a bound over all of them, and given back when its caller goes', async () => {
    const { hostname, port } = new URL(bed.gateway.url);
    const head = `POST ${chat} HTTP/1.1\r\nhost: ${hostname}:${port}\r\nauthorization: Bearer ${token}\r\n`;
    const part = `${head}content-type: application/json\r\ncontent-length: 100000\r\n\r\n{"x":"${'x'.repeat(90_000)}`;
    const callers = [part, part].map((text) => {
      const caller = { socket: connect(Number(port), hostname), received: '' };
      caller.socket.on('data', (bytes) => (caller.received += bytes.toString('latin1')));
      caller.socket.write(text);
      return caller;
    });
    // There is room for one of them, whichever that is.
    await vi.waitUntil(() => callers.some(({ received }) => received.endsWith('}')), patient);
    expect(callers.map(({ received }) => received).toSorted()).toEqual([
      '',
      expect.stringMatching(/^HTTP\/1\.1 503 [^]*overloaded/),
    ]);
    const largest = `{"model":"tiny-llm","x":"${'x'.repeat(100_000 - 27)}"}`;
    const ask = async () => (await bed.send({ path: chat, token, headers: json, body: largest })).status;
    expect(await ask()).toBe(503);
    for (const { socket } of callers) socket.destroy();
    await vi.waitUntil(async () => (await ask()) === 200, patient);
  });

  it('carries the credential of Anthropic’s clients, once', async () => {
    const path = '/serving/fraud/llm/openai/v1/messages';
    const body = '{"model":"tiny-llm","max_tokens":1}';
    const withKey = { ...json, 'x-api-key': token };
    expect((await bed.send({ path, headers: withKey, body })).status).toBe(200);
    expect(bed.model.seen[0]?.rawHeaders.join()).not.toContain(token);
    const both = await bed.send({ path, token, headers: withKey, body });
    expect([both.status, JSON.parse(both.body.toString())]).toMatchObject([400, { type: 'error' }]);
    const elsewhere = await bed.send({ path: chat, headers: withKey, body });
    expect(elsewhere.status).toBe(401);
  });
});

describe('the gateway’s own list', () => {
  const list = (scope: string, path = '/openai/v1/models') =>
    bed.send({ method: 'GET', path, token: bed.issuer.signFor(scope) });

  it.each([
    ['fraud/llm:generate', ['fraud/llm']],
    ['fraud/llm:generate fraud/llm#sql:generate', ['fraud/llm', 'fraud/llm#sql']],
    ['fraud/iris:predict', []],
  ])('has what %s permits', async (scope, ids) => {
    const answer = await list(scope);
    expect(answer.status).toBe(200);
    const { data } = JSON.parse(answer.body.toString()) as { data: { id: string }[] };
    expect(data.map(({ id }) => id)).toEqual(ids);
    expect(bed.model.seen).toEqual([]);
  });

  it('is counted, and refused to who asks too often', async () => {
    await bed.setLimit('fraud-lists', { quota: 2, windowSeconds: 3_600 });
    const token = bed.issuer.sign({ claims: { policy: 'fraud-lists' } });
    const ask = async () => (await bed.send({ method: 'GET', path: '/openai/v1/models', token })).status;
    expect([await ask(), await ask(), await ask()]).toEqual([200, 200, 429]);
  });

  it('tells of one model, where the token permits anything of it', async () => {
    const known = await list('fraud/llm:generate', '/openai/v1/models/fraud/llm');
    expect(JSON.parse(known.body.toString())).toMatchObject({ id: 'fraud/llm', object: 'model' });
    for (const path of ['/openai/v1/models/fraud/iris', '/openai/v1/models/fraud/none']) {
      expect((await list('fraud/llm:generate', path)).status).toBe(404);
    }
  });
});
