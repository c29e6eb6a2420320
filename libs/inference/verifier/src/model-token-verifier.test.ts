import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { key, startIssuer, stopIssuer, verdict, verifier } from './model-token-verifier.fixture.ts';
import { audience, goodClaims, issuer, startOfTime } from './model-token.fixture.ts';
import { TokenRejected } from './token-rejected.ts';

beforeEach(startIssuer);
afterEach(stopIssuer);

describe('a good model token', () => {
  it('is reduced to what authorization needs', async () => {
    const token = await verifier().verify(key.token());
    expect(token).toEqual({
      issuer,
      subject: 'keycloak-prod|8f0c',
      clientId: 'batch-scorer',
      jti: 'a0b1',
      kid: 'key-1',
      grants: [{ model: { namespace: 'fraud', name: 'iris' }, verbs: ['predict', 'explain'] }],
      policy: 'fraud-batch',
      policyVersion: 3,
      issuedAt: startOfTime,
      expiresAt: startOfTime + 900,
    });
    expect(Object.isFrozen(token)).toBe(true);
  });

  it.each([
    ['an act claim', { act: { sub: 'agent' } }],
    ['no policy, as another issuer of model tokens may have it', { policy: undefined, policy_version: undefined }],
    ['an unknown claim', { department: 'risk' }],
    [
      'a locations member that names the audience',
      {
        authorization_details: [
          { type: 'kserve_inference', models: ['fraud/iris'], actions: ['predict', 'explain'], locations: [audience] },
        ],
      },
    ],
    ['an nbf that is over', { nbf: startOfTime - 1 }],
  ])('is accepted with %s', async (_, claims) => {
    expect(await verdict(key.token(claims))).toBe('accepted');
  });
});

describe('the reason of a refusal', () => {
  it.each([
    [{ cnf: {} }, 'sender_constrained: no proof of possession is checked here'],
    [{ iat: startOfTime + 31 }, 'not_yet_valid: iat'],
    [{ nbf: startOfTime + 31 }, 'not_yet_valid: nbf'],
    [{ exp: '1' }, 'time_missing: exp'],
    [{ scope: 'fraud/iris:predict' }, 'authorization_details: differs from scope'],
    [{ scope: 7 }, 'scope: scope token 1 is not of the form namespace/name:verb'],
    [{ policy_version: '3' }, 'policy: version'],
  ])('for %j names the faulty claim', async (claims, message) => {
    await expect(verifier().verify(key.token(claims))).rejects.toMatchObject({ message });
  });
});

describe('arbitrary input', () => {
  it('is accepted or refused with a reason that never quotes the input', async () => {
    const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(issuer, audience, startOfTime, 'at+jwt'));
    const names = fc.constantFrom(...Object.keys(goodClaims()), 'nbf', 'cnf', 'act', 'typ');
    await fc.assert(
      fc.asyncProperty(fc.dictionary(names, value, { maxKeys: 4 }), async (claims) => {
        const refusal = await verifier()
          .verify(key.token(claims))
          .then(
            () => undefined,
            (error: unknown) => error,
          );
        expect(refusal === undefined || refusal instanceof TokenRejected).toBe(true);
        if (refusal instanceof TokenRejected) expect(refusal.message.length).toBeLessThan(120);
      }),
      { numRuns: 500 },
    );
  });
});
