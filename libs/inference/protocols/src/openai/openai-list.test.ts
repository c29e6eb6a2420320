import { describe, expect, it } from 'vitest';
import { filterList } from '../list-filter.ts';

const allowed = new Set(['tiny-llm', 'org/sql-lora']);
const filter = (document: unknown): unknown => {
  const text = filterList(JSON.stringify(document), 'openai', allowed);
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
};

describe('a list of OpenAI’s protocol', () => {
  it('keeps only the allowed models, and only the members that a client needs', () => {
    const list = {
      object: 'list',
      data: [
        { id: 'tiny-llm', object: 'model', created: 7, owned_by: 'vllm', root: '/mnt/weights', max_model_len: 2048 },
        { id: 'org/sql-lora', object: 'model', parent: 'secret', permission: [{ id: 'modelperm-1' }] },
        { id: 'secret', object: 'model', created: 7, owned_by: 'vllm' },
        { object: 'model', name: 'tiny-llm' },
        { id: ['tiny-llm'] },
        'tiny-llm',
        null,
      ],
      next: '/v1/models?after=secret',
    };
    expect(filter(list)).toEqual({
      object: 'list',
      data: [
        { id: 'tiny-llm', object: 'model', created: 7, owned_by: 'vllm', max_model_len: 2048 },
        { id: 'org/sql-lora', object: 'model', created: 0, owned_by: '' },
      ],
    });
  });

  it.each([[[]], [{}], [{ data: {} }], [{ models: ['tiny-llm'] }], ['tiny-llm'], [null]])('is not %j', (document) => {
    expect(filter(document)).toBeUndefined();
  });
});
