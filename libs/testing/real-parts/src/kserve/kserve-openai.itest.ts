import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { kserveOpenai, type LanguageModelServer } from './kserve-openai.ts';
import { requireOrSkip } from '../require-or-skip.ts';

const installAndStart = 600_000;
const state = mkdtempSync(join(tmpdir(), 'modelgate-kserve-openai-'));
const missing = await requireOrSkip(kserveOpenai);
let server: LanguageModelServer;

beforeAll(async () => {
  if (!missing) server = await kserveOpenai.start({ stateFolder: state });
}, installAndStart);
beforeEach(({ skip }) => {
  skip(missing !== undefined, missing);
});
afterAll(async () => {
  await server?.stop();
  expect(readdirSync(state)).toEqual([]);
  rmSync(state, { recursive: true });
});

const ask = (path: string, body: object) =>
  fetch(`${server.url}/openai/v1${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
const chat = { messages: [{ role: 'user', content: 'hello' }], max_tokens: 3 };

test('it serves both models, and says the same of the same prompt', async () => {
  const answers = await Promise.all(
    server.models.map(async (model) => (await (await ask('/chat/completions', { model, ...chat })).json()) as Answer),
  );
  expect(answers.map(({ model }) => model)).toEqual(['tiny-llm', 'sql-lora']);
  const [first, second] = answers.map(({ choices }) => choices[0]?.message.content);
  expect(first).toMatch(/^(?:\w+ ){3}$/);
  expect(second).toBe(first);
  expect((await ask('/chat/completions', { model: 'other', ...chat })).status).toBe(404);
});

interface Answer {
  model: string;
  choices: { message: { content: string } }[];
}

test('it streams word by word', async () => {
  const answer = await ask('/chat/completions', { model: 'tiny-llm', ...chat, stream: true });
  expect(answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  const events = (await answer.text()).split('\n\n');
  expect(events).toHaveLength(1 + 3 + 1 + 2);
  expect(events.slice(-2)).toEqual(['data: [DONE]', '']);
});

test('it completes text', async () => {
  const answer = await ask('/completions', { model: 'sql-lora', prompt: 'select', max_tokens: 2 });
  expect(await answer.json()).toMatchObject({ model: 'sql-lora', usage: { completion_tokens: 2, prompt_tokens: 1 } });
});
