import { AuthorizationDetailsError, ScopeSyntaxError } from '@modelgate/scope';
import { describe, expect, it } from 'vitest';
import { GrantReader } from './grant-reader.ts';
import { TokenRejected } from './token-rejected.ts';

const audience = 'https://models.example.com';

function saying(model: string, detailed = model, more: object = {}) {
  const details = [{ type: 'kserve_inference', models: [detailed], actions: ['predict'], ...more }];
  return { scope: `${model}:predict`, authorization_details: details };
}

describe('GrantReader', () => {
  it('parses equal claims only once', () => {
    const reader = new GrantReader(audience);
    const grants = reader.read(saying('fraud/iris'));
    expect(grants).toEqual([{ model: { namespace: 'fraud', name: 'iris' }, verbs: ['predict'] }]);
    expect(Object.isFrozen(grants)).toBe(true);
    expect(reader.read(saying('fraud/iris'))).toBe(grants);
    const others = reader.read(saying('fraud/digits'));
    expect(reader.read(saying('fraud/iris'))).toBe(grants);
    expect(reader.read(saying('fraud/digits'))).toBe(others);
  });

  it('names the claim that is wrong, and how', () => {
    const reader = new GrantReader(audience);
    const problem = (claims: Record<string, unknown>) => {
      try {
        return reader.read(claims);
      } catch (error) {
        return error;
      }
    };
    const { scope, authorization_details } = saying('fraud/iris');
    for (const wrong of [undefined, 7, '', '?']) {
      expect(problem({ scope: wrong, authorization_details })).toMatchObject({
        reason: 'scope',
        cause: expect.any(ScopeSyntaxError),
      });
    }
    expect(problem({ scope, authorization_details: 'all' })).toMatchObject({
      reason: 'authorization_details',
      cause: expect.any(AuthorizationDetailsError),
    });
  });

  it('does not report an internal error as a fault of the token', () => {
    const fault = new Error('a fault');
    const details = {
      toJSON: () => 'nothing to see',
      get type() {
        throw fault;
      },
    };
    expect(() => new GrantReader(audience).read({ scope: 'a/b:predict', authorization_details: [details] })).toThrow(
      fault,
    );
  });

  it('keeps different claims apart, whichever order they are read in', () => {
    const reader = new GrantReader(audience);
    for (const name of ['fraud/iris', 'fraud/digits', 'fraud/iris']) {
      expect(reader.read(saying(name))[0]?.model.name).toBe(name.split('/')[1]);
    }
    const differing = saying('fraud/iris', 'fraud/digits');
    for (let time = 0; time < 2; time++) expect(() => reader.read(differing)).toThrow(TokenRejected);
    expect(() => reader.read({ scope: 'fraud/iris:predict' })).toThrow('authorization_details');
    expect(() => reader.read(saying('fraud/iris', 'fraud/iris', { locations: ['https://elsewhere.example'] }))).toThrow(
      'authorization_details',
    );
  });

  it('bounds the number of remembered claims', () => {
    const reader = new GrantReader(audience);
    const first = reader.read(saying('fraud/m0'));
    for (let n = 1; n <= 256; n++) reader.read(saying(`fraud/m${n}`));
    expect(reader.read(saying('fraud/m0'))).not.toBe(first);
    expect(reader.read(saying('fraud/m0'))).toEqual(first);
  });
});
