import { describe, expect, it } from 'vitest';
import { reasonOf } from './reason.ts';

describe('reasonOf', () => {
  it.each([
    ['an error', new Error('it broke'), 'it broke'],
    [
      'its causes, in their order',
      new Error('no metadata', { cause: new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') }) }),
      'no metadata: fetch failed: connect ECONNREFUSED',
    ],
    [
      'a cause that the message has told already',
      new Error('no metadata: fetch failed', { cause: new Error('fetch failed') }),
      'no metadata: fetch failed',
    ],
    [
      'the first of several attempts',
      new Error('fetch failed', { cause: new AggregateError([new Error('connect ECONNREFUSED ::1:80')]) }),
      'fetch failed: connect ECONNREFUSED ::1:80',
    ],
    ['lines as one', new Error('\nInvalid invocation:\n\n  role is missing'), 'Invalid invocation: role is missing'],
    ['what is no error', 'gone', 'gone'],
    ['an error without a word', new RangeError(), 'RangeError'],
  ])('tells %s', (_, error, text) => {
    expect(reasonOf(error)).toBe(text);
  });

  it('ends where errors are each other’s cause', () => {
    const one = new Error('one');
    one.cause = new Error('other', { cause: one });
    expect(reasonOf(one)).toBe('one: other');
  });
});
