import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { placeOf, problemsOf } from './placed-problem.ts';

const problems = (schema: z.ZodType, document: unknown): string[] => {
  const { error } = schema.safeParse(document);
  return error ? problemsOf(error).map(({ path, detail }) => `${placeOf(path)}: ${detail}`) : [];
};

describe('what is wrong with a document', () => {
  const item = z.strictObject({
    name: z.string().min(2).max(4),
    count: z.int().min(1).max(9),
    verbs: z
      .array(z.enum(['infer', 'explain']))
      .min(1)
      .max(2),
    odd: z
      .string()
      .refine((text) => text === 'odd', 'must be odd')
      .optional(),
  });
  const good = { name: 'abc', count: 3, verbs: ['infer'] };

  it.each<[string, object, string]>([
    ['a text too short', { name: 'a' }, 'name: must be at least 2 long'],
    ['a text too long', { name: 'abcde' }, 'name: must be at most 4 long'],
    ['a number too small', { count: 0 }, 'count: must be at least 1'],
    ['a number too big', { count: 10 }, 'count: must be at most 9'],
    ['a number that is not whole', { count: 1.5 }, 'count: must be a whole number'],
    ['an empty list', { verbs: [] }, 'verbs: must have at least 1 in it'],
    ['a list too long', { verbs: ['infer', 'infer', 'infer'] }, 'verbs: must have at most 2 in it'],
    ['what is no list', { verbs: 7 }, 'verbs: must be a list'],
    ['another word', { verbs: ['infer', 'train'] }, 'verbs[1]: must be one of infer, explain'],
    ['what is missing', { name: undefined }, 'name: is missing; it must be a string'],
    ['what is unknown', { nmae: 'abc' }, 'nmae: is not known here; leave it out or correct its name'],
    ['what the schema has its own words for', { odd: 'even' }, 'odd: must be odd'],
  ])('names %s', (_what, change, sentence) => {
    expect(problems(item, { ...good, ...change })).toEqual([sentence]);
  });

  it('names everything at once, and nothing where all is well', () => {
    expect(problems(item, good)).toEqual([]);
    expect(problems(z.array(item), [good, { ...good, name: '', count: 0 }])).toHaveLength(2);
  });

  it('names all that would do instead', () => {
    const either = z.union([z.literal('all'), z.array(z.string())]);
    expect(problems(z.object({ models: either }), { models: 7 })).toEqual([
      'models: must be one of all, or must be a list',
    ]);
  });
});
