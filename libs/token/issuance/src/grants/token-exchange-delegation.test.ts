import { TokenType } from '@modelgate/oauth';
import { describe, expect, it } from 'vitest';
import { basic, policy, startOfTime, subject, trustedIssuer, world } from '../endpoint.fixture.ts';
import type { Subject } from '../subject.ts';
import { unacceptable } from './token-exchange.fixture.ts';

describe('T4 a delegated subject never becomes a clean one', () => {
  const delegation = { actors: ['keycloak|agent'], maxDepth: 2 };
  const delegable = [policy('p', 'fraud/iris:predict', { delegation })];
  const agent = subject({ sub: 'agent', authorizedParty: 'broker' });
  const actor = { actor_token: 'agent', actor_token_type: TokenType.accessToken };
  const setUp = (claims: Partial<Subject>) => {
    const all = world();
    all.access.policies = delegable;
    all.subjects.tokens.set('alice', subject(claims));
    all.subjects.tokens.set('agent', agent);
    return all;
  };

  it('act of the subject token stands in the issued one', async () => {
    const { exchange, claimsOf } = setUp({ act: { sub: 'agent' } });
    expect(claimsOf(await exchange())['act']).toEqual({ sub: 'keycloak|agent' });
  });

  it('act is seen where the verifier put it among the claims alone', async () => {
    const { exchange, claimsOf } = setUp({ claims: { act: { sub: 'agent' } } });
    expect(claimsOf(await exchange())['act']).toEqual({ sub: 'keycloak|agent' });
  });

  it('act of somebody whom the policy does not let act is refused', async () => {
    await expect(setUp({ act: { sub: 'mallory' } }).exchange()).rejects.toEqual(unacceptable);
  });

  it('an actor token deepens act', async () => {
    const { exchange, claimsOf } = setUp({ act: { sub: 'earlier', iss: 'https://keycloak.example.com/realm' } });
    const claims = claimsOf(await exchange(actor, basic('broker')));
    expect(claims['act']).toEqual({ sub: 'keycloak|agent', act: { sub: 'keycloak|earlier' } });
    expect(claims['sub']).toBe('keycloak|alice');
  });

  it('deeper than the policy allows is refused', async () => {
    const { exchange } = setUp({ act: { sub: 'a', act: { sub: 'b' } } });
    await expect(exchange(actor, basic('broker'))).rejects.toEqual(unacceptable);
  });

  it('may_act without an actor token is refused', async () => {
    await expect(setUp({ mayAct: { sub: 'agent' } }).exchange()).rejects.toEqual(unacceptable);
    await expect(setUp({ claims: { may_act: { sub: 'agent' } } }).exchange()).rejects.toEqual(unacceptable);
  });

  it.each([
    ['the actor', { sub: 'agent' }, true],
    ['the actor and its issuer', { sub: 'agent', iss: 'https://keycloak.example.com/realm' }, true],
    ['another actor', { sub: 'mallory' }, false],
    ['the actor at another issuer', { sub: 'agent', iss: 'https://other.example.com' }, false],
    ['the actor and something it is not', { sub: 'agent', client_id: 'x' }, false],
    ['nobody', {}, false],
    ['an issuer and nobody', { iss: 'https://keycloak.example.com/realm' }, false],
    ['nonsense', { sub: { sub: 'agent' } }, false],
  ])('may_act naming %s', async (_, mayAct, accepted) => {
    const outcome = await setUp({ mayAct })
      .exchange(actor, basic('broker'))
      .then(
        () => true,
        (error: unknown) => error,
      );
    expect(outcome).toEqual(accepted || unacceptable);
  });

  it.each([
    ['a string', 'agent', 'act is not an object'],
    ['null', null, 'act is not an object'],
    ['a list', [{ sub: 'agent' }], 'act is not an object'],
    ['without sub', { client_id: 'agent' }, 'act names no sub'],
    ['with an empty sub', { sub: '' }, 'act names no sub'],
    [
      'of an issuer nobody trusts',
      { sub: 'agent', iss: 'https://evil.example.com' },
      'act names an issuer that is not trusted',
    ],
    ['nested in nonsense', { sub: 'agent', act: 'x' }, 'act is not an object'],
  ])('act %s is refused, not dropped', async (_, act, detail) => {
    const refusal = setUp({ claims: { act } }).exchange();
    await expect(refusal).rejects.toEqual(unacceptable);
    await expect(refusal).rejects.toMatchObject({ detail });
  });

  it('act nested deeper than any policy may allow is refused before policy is asked', async () => {
    const chain = (depth: number): Record<string, unknown> => ({
      sub: 'agent',
      ...(depth > 1 && { act: chain(depth - 1) }),
    });
    const { exchange, access, subjects, claimsOf } = setUp({ act: chain(8) });
    access.policies = [policy('p', 'fraud/iris:predict', { delegation: { ...delegation, maxDepth: 1000 } })];
    expect(JSON.stringify(claimsOf(await exchange())['act']).match(/keycloak\|agent/g)).toHaveLength(8);
    subjects.tokens.set('alice', subject({ act: chain(9) }));
    await expect(exchange()).rejects.toMatchObject({ detail: 'act is nested too deep' });
  });

  it('may_act without iss speaks of the issuer of the subject', async () => {
    const { exchange, access, subjects } = setUp({ mayAct: { sub: 'agent' } });
    access.issuers = [trustedIssuer('keycloak'), trustedIssuer('partner')];
    access.policies = [
      policy('p', 'fraud/iris:predict', { delegation: { actors: ['partner|agent', 'keycloak|agent'], maxDepth: 1 } }),
    ];
    for (const client of access.clients) client.issuers = ['keycloak', 'partner'];
    expect((await exchange(actor, basic('broker'))).scope).toBe('fraud/iris:predict');
    subjects.tokens.set('agent', subject({ sub: 'agent', authorizedParty: 'broker', issuer: 'partner' }));
    await expect(exchange(actor, basic('broker'))).rejects.toMatchObject({ detail: 'may_act names another actor' });
  });

  it('an actor without delegation in the policy is refused', async () => {
    const { exchange, access } = setUp({});
    access.policies = [policy('p', 'fraud/iris:predict')];
    await expect(exchange(actor, basic('broker'))).rejects.toEqual(unacceptable);
  });

  it('an actor token is bound to the caller like a subject token', async () => {
    const { exchange, subjects } = setUp({});
    subjects.tokens.set('agent', { ...agent, authorizedParty: 'scorer' });
    await expect(exchange(actor, basic('broker'))).rejects.toEqual(unacceptable);
  });

  it('an actor token that is itself delegated is refused', async () => {
    const { exchange, subjects } = setUp({});
    subjects.tokens.set('agent', { ...agent, act: { sub: 'x' } });
    await expect(exchange(actor, basic('broker'))).rejects.toEqual(unacceptable);
  });

  it('the issued token does not outlive the actor token either', async () => {
    const { exchange, subjects } = setUp({});
    subjects.tokens.set('agent', { ...agent, expiresAt: startOfTime + 30 });
    expect((await exchange(actor, basic('broker'))).expires_in).toBe(30);
  });
});
