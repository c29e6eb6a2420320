import { TokenType } from '@modelgate/oauth';
import { describe, expect, it } from 'vitest';
import { basic, issuer, policy, startOfTime, subject, trustedIssuer, world } from '../endpoint.fixture.ts';
import type { Subject } from '../subject.ts';
import { unacceptable } from './token-exchange.fixture.ts';

describe('T7 a sender-constrained token never becomes a bearer token', () => {
  const agent = subject({ sub: 'agent', authorizedParty: 'broker', senderConstrained: true });
  it.each([
    ['flagged by the verifier', { senderConstrained: true }],
    ['bound by DPoP', { claims: { cnf: { jkt: 'x' } } }],
    ['bound by a certificate', { claims: { cnf: { 'x5t#S256': 'x' } } }],
    ['bound in a way nobody knows', { claims: { cnf: null } }],
  ])('%s', async (_, claims: Partial<Subject>) => {
    const { exchange, subjects } = world();
    subjects.tokens.set('alice', subject(claims));
    await expect(exchange()).rejects.toEqual(unacceptable);
  });

  it('as an actor token', async () => {
    const { exchange, subjects, access } = world();
    access.policies = [policy('p', 'fraud/iris:predict', { delegation: { actors: ['keycloak|agent'], maxDepth: 1 } })];
    subjects.tokens.set('agent', agent);
    const actor = { actor_token: 'agent', actor_token_type: TokenType.jwt };
    await expect(exchange(actor, basic('broker'))).rejects.toEqual(unacceptable);
  });
});

describe('T12 the checks nobody may leave out are made here too', () => {
  it.each([
    ['expired', { expiresAt: startOfTime - 1 }, 'the token has expired'],
    ['expiring this very second', { expiresAt: startOfTime }, 'the token has expired'],
    ['without an expiry that is a number', { expiresAt: Number.NaN }, 'the token has expired'],
    ['of an issuer nobody trusts', { issuer: 'stranger' }, 'the issuer is not trusted any more'],
    ['issued by ourselves', { claims: { iss: issuer } }, 'a model token is never exchanged'],
    [
      'a model token of somebody else',
      { claims: { authorization_details: [{ type: 'kserve_inference' }] } },
      'a model token is never exchanged',
    ],
  ])('a subject the verifier let through: %s', async (_, facts, detail) => {
    const { exchange, subjects } = world();
    subjects.tokens.set('alice', subject(facts));
    const refusal = exchange();
    await expect(refusal).rejects.toEqual(unacceptable);
    await expect(refusal).rejects.toMatchObject({ detail });
  });

  it('a model token is never a subject, even where we trust ourselves', async () => {
    const { exchange, subjects, access, claimsOf } = world();
    const { access_token: modelToken } = await exchange();
    const claims = claimsOf(await exchange());
    subjects.tokens.set(modelToken, subject({ claims }));
    access.issuers = [trustedIssuer('keycloak', issuer)];
    await expect(exchange({ subject_token: modelToken })).rejects.toEqual(unacceptable);
  });
});
