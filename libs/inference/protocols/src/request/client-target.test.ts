import { describe, expect, it } from 'vitest';
import { clientPath, requestedId } from './client-target.ts';

describe('clientPath', () => {
  it.each([
    ['POST', '/openai/v1/messages?beta=true', '/openai/v1/messages'],
    ['POST', '/v1/messages/count_tokens?beta=true', '/v1/messages/count_tokens'],
    ['GET', '/openai/v1/models/fraud%2Fllm', '/openai/v1/models/fraud%2Fllm'],
    ['GET', '/serving/fraud/llm/openai/v1/models/org%2Fsql%23a', '/serving/fraud/llm/openai/v1/models/org%2Fsql%23a'],
  ])('accepts %s %s', (method, target, path) => {
    expect(clientPath(method, target)).toBe(path);
  });

  it.each([
    ['POST', '/openai/v1/messages?beta=false'],
    ['POST', '/openai/v1/messages?beta=true&beta=true'],
    ['POST', '/openai/v1/messages?x=1?beta=true'],
    ['POST', '/openai?/v1/messages?beta=true'],
    ['POST', '/openai/v1/messages/?beta=true'],
    ['POST', '/a%2Fb/v1/messages?beta=true'],
    ['POST', '/../v1/messages?beta=true'],
    ['POST', '/openai/v1/chat/completions?beta=true'],
    ['GET', '/openai/v1/messages?beta=true'],
    ['POST', '/openai/v1/models/fraud%2Fllm'],
    ['GET', '/openai/v1/models/fraud%2fllm'],
    ['GET', '/openai/v1/models/fraud%00'],
    ['GET', '/openai/v1/models/fraud%7F'],
    ['GET', '/openai/v1/models/fraud%0A'],
    ['GET', '/openai/v1/models/%FF'],
    ['GET', '/openai/v1/models/fraud%2'],
    ['GET', '/openai/v1/models/fraud?x'],
    ['GET', '/openai/v1/models/'],
    ['GET', '/openai/v1/models/fraud%2Fllm/'],
    ['GET', '/openai/v1/models/fraud%2Fllm/x'],
    ['GET', '//openai/v1/models/fraud%2Fllm'],
    ['GET', '/openai/../v1/models/fraud%2Fllm'],
    ['GET', '/%6Fpenai/v1/models/fraud%2Fllm'],
    ['GET', '/v2/models/fraud%2Fllm'],
    ['HEAD', '/openai/v1/models/fraud%2Fllm'],
  ])('refuses %s %s', (method, target) => {
    expect(clientPath(method, target)).toBeUndefined();
  });
});

describe('requestedId', () => {
  it.each([
    ['/v1/models/fraud/llm', 'fraud/llm'],
    ['/v1/models/fraud%2Fllm%23sql', 'fraud/llm#sql'],
    ['/v1/models/%2E%2E%2Fx', '../x'],
    ['/v1/model/a', undefined],
  ])('decodes %s', (path, id) => {
    expect(requestedId(path, '/v1/models/')).toBe(id);
  });
});
