import { OAuthError, TokenType } from '@modelgate/oauth';
import { describe, expect, it } from 'vitest';
import { audience, basic, policy, startOfTime, subject, world } from '../endpoint.fixture.ts';
import type { Subject } from '../subject.ts';
import { refusedWith, unacceptable } from './token-exchange.fixture.ts';

describe('T3 a bad parameter is refused and never ignored', () => {
  it.each([
    ['an oversized subject token', { subject_token: 'x'.repeat(16_385) }, 'invalid_request'],
    [
      'an oversized actor token',
      { actor_token: 'x'.repeat(16_385), actor_token_type: TokenType.jwt },
      'invalid_request',
    ],
    ['an empty subject token', { subject_token: '' }, 'invalid_request'],
    ['an unreadable scope', { scope: 'openid' }, 'invalid_scope'],
    ['an unreadable authorization_details', { authorization_details: '{' }, 'invalid_authorization_details'],
    ['an object as authorization_details', { authorization_details: '{}' }, 'invalid_authorization_details'],
    ['a repeated parameter', { scope: ['fraud/iris:predict', 'fraud/iris:predict'] }, 'invalid_request'],
    ['a policy nobody defined', { policy: 'nobody' }, 'invalid_request'],
    ['an actor token type alone', { actor_token_type: TokenType.jwt }, 'invalid_request'],
    ['an actor token that does not verify', { actor_token: 'x', actor_token_type: TokenType.jwt }, 'invalid_request'],
  ])('%s', async (_, parameters, code) => {
    await expect(world().exchange(parameters)).rejects.toEqual(refusedWith(code));
    await expect(world().exchange(parameters, basic('broker'))).rejects.toEqual(refusedWith(code));
  });
});

describe('T9 each refusal has the code the RFCs give it', () => {
  it.each([
    ['a subject token that does not verify', { subject_token: 'x' }, 'invalid_request', 400],
    ['an ID token', { subject_token_type: TokenType.idToken }, 'invalid_request', 400],
    ['a refresh token', { subject_token_type: TokenType.refreshToken }, 'invalid_request', 400],
    ['a SAML 1.1 assertion', { subject_token_type: TokenType.saml1 }, 'invalid_request', 400],
    ['a SAML 2.0 assertion', { subject_token_type: TokenType.saml2 }, 'invalid_request', 400],
    ['a token of unknown type', { subject_token_type: 'urn:x' }, 'invalid_request', 400],
    ['a target that is not ours', { audience: 'x' }, 'invalid_target', 400],
    ['a scope beyond the policy', { scope: 'loans/tree:predict' }, 'invalid_scope', 400],
    [
      'details beyond the policy',
      {
        authorization_details: JSON.stringify([
          { type: 'kserve_inference', models: ['loans/tree'], actions: ['predict'] },
        ]),
      },
      'invalid_authorization_details',
      400,
    ],
    ['details of an unknown type', { authorization_details: '[{"type":"x"}]' }, 'invalid_authorization_details', 400],
    [
      'nothing in common',
      { resource: `${audience}/serving/fraud/tree`, scope: 'fraud/iris:predict' },
      'invalid_scope',
      400,
    ],
    ['an unknown client', { client_id: 'x' }, 'invalid_client', 401],
    ['an unknown grant type', { grant_type: 'password' }, 'unsupported_grant_type', 400],
    ['no grant type', { grant_type: '' }, 'invalid_request', 400],
  ])('%s', async (_, parameters, code, status) => {
    await expect(world().exchange(parameters)).rejects.toMatchObject({ code, status });
  });
});

describe('T11 no refusal says more than its code', () => {
  const claims = { realm_access: { roles: ['viewer'] }, email: 'alice@example.com' };
  it.each<[string, Partial<Subject> | undefined, Record<string, string>]>([
    ['no such token', undefined, {}],
    ['no policy matches', { claims }, {}],
    ['a policy that exists is named', { claims }, { policy: 'fraud-batch' }],
    ['a policy that does not exist is named', {}, { policy: 'nobody' }],
    ['expired', { expiresAt: startOfTime }, {}],
    ['issued to another client', { authorizedParty: 'scorer' }, {}],
    ['key-bound', { senderConstrained: true }, {}],
    ['delegated', { act: { sub: 'x' } }, {}],
  ])('the same sentence for every reason that lies in the token or in policy: %s', async (_, facts, parameters) => {
    const { exchange, subjects } = world();
    subjects.tokens.clear();
    if (facts) subjects.tokens.set('alice', subject(facts));
    await expect(exchange(parameters)).rejects.toEqual(unacceptable);
  });

  it('neither names nor claims nor tokens stand in what the caller reads; the operator finds the reason', async () => {
    const { exchange, subjects, audit } = world();
    subjects.tokens.set('alice', subject({ claims }));
    const error = await exchange({ scope: 'fraud/iris:predict' }).catch((refusal: unknown) => refusal);
    expect(error).toMatchObject({ detail: 'fraud-batch: subject_mismatch (/realm_access/roles)' });
    expect(error instanceof OAuthError && `${error.description} ${error.message}`).not.toMatch(
      /fraud|viewer|example\.com|realm/,
    );
    expect(audit.events).toEqual([
      expect.objectContaining({
        outcome: 'refused',
        reason: 'invalid_request: fraud-batch: subject_mismatch (/realm_access/roles)',
      }),
    ]);
    expect(JSON.stringify(audit.events)).not.toContain('alice@example.com');
  });

  it('a verifier that says too much is not quoted', async () => {
    await expect(world().exchange({ subject_token: 'forged' })).rejects.toMatchObject({
      description: 'the subject or actor token is not acceptable',
      detail: 'signature',
    });
  });

  it('a long list of policies is cut short', async () => {
    const { exchange, access, subjects } = world();
    subjects.tokens.set('alice', subject({ claims }));
    access.policies = Array.from({ length: 50 }, (_, i) => policy(`p${i}`, 'fraud/iris:predict'));
    await expect(exchange()).rejects.toMatchObject({ detail: expect.stringMatching(/; and 30 more$/) });
  });
});
