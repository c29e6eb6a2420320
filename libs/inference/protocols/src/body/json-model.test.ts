import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDenial } from '../denial/denial.ts';
import { locateJsonModel } from './json-model.ts';

const located = (text: string) => locateJsonModel(Buffer.from(text));

describe('locateJsonModel', () => {
  it.each<[string, string]>([
    ['{"model":"fraud/iris"}', 'fraud/iris'],
    ['\r\n\t {"stream":true,"model" : "a#b","messages":[{"model":"c"}]} ', 'a#b'],
    ['{"mod\\u0065l":"\\u0061"}', 'a'],
    ['{"input":"MODEL","model":"a"}', 'a'],
    ['{"model":"meta-llama/Llama-3.1 8B \\"x\\" é"}', 'meta-llama/Llama-3.1 8B "x" é'],
    ['{"models":["b"],"model ":"c","model":"a"}', 'a'],
    [`{"model":"${'a'.repeat(256)}"}`, 'a'.repeat(256)],
  ])('reads %s as %s', (text, name) => {
    expect(located(text)).toMatchObject({ name });
  });

  it.each<[string, string]>([
    ['{}', 'model_missing'],
    ['{"Model":"a"}', 'model_ambiguous'],
    ['{"model":"a","MODEL":"b"}', 'model_ambiguous'],
    ['{"\\u004dodel":"a","model":"a"}', 'model_ambiguous'],
    ['{"a":{"model":"b"}}', 'model_missing'],
    ['{"model":"a","model":"a"}', 'model_ambiguous'],
    ['{"model":"a","mod\\u0065l":"b"}', 'model_ambiguous'],
    ['{"seed":1,"model":"a","seed":2}', 'body_malformed'],
    ['{"model":null}', 'model_missing'],
    ['{"model":7}', 'model_missing'],
    ['{"model":["a"]}', 'model_missing'],
    ['{"model":{"name":"a"}}', 'model_missing'],
    ['{"model":""}', 'model_missing'],
    ['{"model":"a\\u0000"}', 'model_missing'],
    ['{"model":"a\\n"}', 'model_missing'],
    ['{"model":"\\ud800"}', 'model_missing'],
    ['{"model":"a\\u200b"}', 'model_missing'],
    ['{"model":"a\u202e"}', 'model_missing'],
    [`{"model":"${'a'.repeat(257)}"}`, 'model_missing'],
    ['["model","a"]', 'body_malformed'],
    ['"model"', 'body_malformed'],
    ['{"model":"a"', 'body_malformed'],
    ['{"model":"a"}}', 'body_malformed'],
    ['\ufeff{"model":"a"}', 'body_malformed'],
    [`{"model":"a","x":${'['.repeat(1_000_000)}`, 'body_malformed'],
  ])('refuses %s', (text, problem) => {
    expect(located(text)).toMatchObject({ reason: problem });
  });

  it.each([
    ['\ufeff{}', 'The request body must be UTF-8 without a byte order mark.'],
    ['{', 'The request body is not JSON.'],
    ['['.repeat(300), 'The request body is nested deeper than 256 levels.'],
    ['[]', 'The request body must be a JSON object.'],
    ['{"a":1,"a":1}', 'The request body has two members of the same name.'],
    ['{"Model":"a"}', 'The body must have exactly one member model, spelt in lower case.'],
    ['{"model":1}', 'model must be a string of up to 256 visible characters.'],
  ])('reports what is wrong with %s', (text, message) => {
    expect(located(text)).toMatchObject({ message });
  });

  it('handles names of Object.prototype like any other', () => {
    expect(located('{"__proto__":{"model":"b"},"constructor":1,"model":"a"}')).toMatchObject({ name: 'a' });
  });

  it('returns the offsets of the name, whatever surrounds it', () => {
    const unit = fc.constantFrom('a', 'b', '/', '#', '"', '\\', 'é', ' ', '{', ',');
    const rest = '"seed":9223372036854775807, "x":[NaN,1e400,1.0],\r\n"é":"\\u00e9"';
    fc.assert(
      fc.property(fc.string({ unit, minLength: 1, maxLength: 20 }), fc.boolean(), (name, first) => {
        const member = `"model" : ${JSON.stringify(name)}`;
        const body = Buffer.from(first ? `{${member},${rest}}` : `{${rest} , ${member} }`);
        const found = locateJsonModel(body);
        if (isDenial(found)) throw new Error(found.message);
        expect(found.name).toBe(name);
        expect(body.toString('utf8', found.start - 1, found.end + 1)).toBe(JSON.stringify(name));
      }),
    );
  });
});
