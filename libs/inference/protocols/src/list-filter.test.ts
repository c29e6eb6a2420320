import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { filterList } from './list-filter.ts';

const allowed = new Set(['iris', 'Score_v2.1']);

describe('filterList', () => {
  it.each([
    ['v1', '{"models":["iris","iris-b"]}', '{"models":["iris"]}'],
    ['v2', '{"models":["iris","iris-b"]}', '{"models":["iris"]}'],
    ['v1', '{"models":["iris-b"]}', '{"models":[]}'],
    ['v1', '{"models":[]}', '{"models":[]}'],
    ['v2', '{"models":[{"name":"iris","next":"secret"},{"name":"x"}]}', '{"models":[{"name":"iris"}]}'],
    [
      'v2',
      '[{"name":"iris","version":"1","state":"READY"},{"name":"x"},"iris"]',
      '[{"name":"iris","version":"1","state":"READY"},"iris"]',
    ],
    ['v1', '{"models":["iris",7,null,["iris"],{"id":"iris"}],"next":"secret"}', '{"models":["iris"]}'],
    ['v1', '{"models":["secret"],"models":["iris"]}', '{"models":["iris"]}'],
    ['timeseries', '["iris","secret"]', '["iris"]'],
    [
      'openai',
      '{"object":"list","data":[{"id":"iris","created":7,"owned_by":"vllm","max_model_len":9,"root":"/mnt"},{"id":"x"}]}',
      '{"object":"list","data":[{"id":"iris","object":"model","created":7,"owned_by":"vllm","max_model_len":9}]}',
    ],
    [
      'openai',
      '{"data":["iris",{"id":["iris"]},{"name":"iris"},{"id":"iris","parent":"secret"}]}',
      '{"object":"list","data":[{"id":"iris","object":"model","created":0,"owned_by":""}]}',
    ],
  ] as const)('filters %s: %s becomes %s', (protocol, body, expected) => {
    expect(filterList(body, protocol, allowed)).toBe(expected);
    expect(filterList(Buffer.from(body), protocol, allowed)).toBe(expected);
  });

  it.each([
    ['v1', ''],
    ['v1', 'models: iris'],
    ['v1', '{"models":"iris"}'],
    ['v1', '["iris"]'],
    ['v1', '{"error":"x"}'],
    ['v1', 'null'],
    ['v2', '"iris"'],
    ['openai', '["iris"]'],
    ['openai', '{"models":["iris"]}'],
    ['timeseries', '"iris"'],
    ['graph', '["iris"]'],
    ['v2', '{"models":["iris"]'],
  ] as const)('returns undefined for %s: %j', (protocol, body) => {
    expect(filterList(body, protocol, allowed)).toBeUndefined();
  });

  it('returns undefined for bytes that are not UTF-8', () => {
    expect(filterList(Buffer.from('{"models":["iris"]}', 'utf16le'), 'v1', allowed)).toBeUndefined();
    expect(filterList(Buffer.from('{"models":["\xff"]}', 'latin1'), 'v1', allowed)).toBeUndefined();
  });

  it('never passes on a name that is not allowed, for arbitrary answers', () => {
    const body = fc.oneof(
      fc.json(),
      fc.record({ models: fc.array(fc.jsonValue()) }).map((value) => JSON.stringify(value)),
    );
    const secret = fc.array(fc.constantFrom('iris', 'secret-model'), { minLength: 1 });
    fc.assert(
      fc.property(
        fc.oneof(
          body,
          secret.map((models) => JSON.stringify({ models })),
        ),
        (text) => {
          const filtered = filterList(text, 'v1', new Set(['iris'])) ?? '';
          expect(filtered).not.toContain('secret-model');
        },
      ),
    );
  });
});
