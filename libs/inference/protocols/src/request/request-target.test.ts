import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { targetProblem } from './request-target.ts';

describe('targetProblem', () => {
  it.each([
    ['/'],
    ['/v1/models'],
    ['/v1/models/iris:predict'],
    ['/v2/models/iris/versions/1.2-rc_3/infer'],
    ['/serving/fraud/iris/v2/health/live'],
    ['/a/..b/.c/d..'],
    ['/~a/...'],
  ])('accepts %s', (target) => {
    expect(targetProblem(target)).toBeUndefined();
  });

  it.each([
    ['', 'target_form'],
    ['*', 'target_form'],
    ['v1/models', 'target_form'],
    ['http://evil.example/v1/models', 'target_form'],
    ['iris.fraud.models.example.com:443', 'target_form'],
    ['\\v1\\models', 'target_form'],
    ['//v1/models', 'empty_segment'],
    ['/v1//models', 'empty_segment'],
    ['/v1/models//', 'empty_segment'],
    ['//', 'empty_segment'],
    ['/v1/models/', 'trailing_slash'],
    ['/v1/./models', 'dot_segment'],
    ['/./v1/models', 'dot_segment'],
    ['/v1/models/.', 'dot_segment'],
    ['/v1/models/pub/../secret:predict', 'dot_segment'],
    ['/../v1/models', 'dot_segment'],
    ['/v1/models/..', 'dot_segment'],
    ['/..', 'dot_segment'],
    ['/v1%2Fmodels', 'percent_encoding'],
    ['/v1/models/%69ris:predict', 'percent_encoding'],
    ['/v1/models/iris%', 'percent_encoding'],
    ['/v1/models/iris:predict%0a', 'percent_encoding'],
    ['/v1/models?a=1', 'query_not_allowed'],
    ['/v1/models?', 'query_not_allowed'],
    ['/v1/models#frag', 'fragment'],
    ['/v1/models;x=1', 'path_parameter'],
    ['/v1/models\\iris', 'backslash'],
    ['/v1/models/..\\iris', 'backslash'],
    ['/v1/models/iris:predict\n', 'control_character'],
    ['/v1/models/iris:predict\r', 'control_character'],
    ['/v1/models/\0iris', 'control_character'],
    ['/v1/models/iris\t', 'control_character'],
    ['/v1/models/iris\x7f', 'control_character'],
    ['/v1/models/\u00e9', 'non_ascii'],
    ['/v1/models/\u00c0\u00ae', 'non_ascii'],
    ['/v1/models/\uff49ris', 'non_ascii'],
    ['/v1/models/\u2024\u2024/iris', 'non_ascii'],
    ['/v1/models/a b', 'path_character'],
    ['/v1/models/a+b', 'path_character'],
    ['/v1/models/a@b', 'path_character'],
    ['/v1/models/a,b', 'path_character'],
    ['/v1/models/{a}', 'path_character'],
    ['/v1/models/"a"', 'path_character'],
    ["/v1/models/'a'", 'path_character'],
  ])('refuses %j as %s', (target, reason) => {
    expect(targetProblem(target)).toBe(reason);
  });

  it('accepts exactly the targets that a URL parser leaves unchanged and that need no decoding', () => {
    const alphabet = fc.constantFrom(...'aZ0._~:-//..%;?#\\ \n\u00e9@+'.split(''), '%2f', '%2e', 'v1', 'models');
    const targets = fc.string({ unit: alphabet, maxLength: 12 }).map((text) => `/${text}`);
    const canonical = /^\/(?:[A-Za-z0-9._~:-]+(?:\/[A-Za-z0-9._~:-]+)*)?$/;
    fc.assert(
      fc.property(targets, (target) => {
        const same = canonical.test(target) && new URL(`http://host${target}`).pathname === target;
        expect(targetProblem(target) === undefined).toBe(same);
      }),
      { numRuns: 5000 },
    );
  });
});
