import { describe, expect, it } from 'vitest';
import { policy, subject, trustedIssuer, world } from '../endpoint.fixture.ts';
import { unacceptable } from './token-exchange.fixture.ts';

describe('T5 nothing crosses from one issuer to another', () => {
  const twoIssuers = () => {
    const all = world();
    all.access.issuers = [trustedIssuer('keycloak'), trustedIssuer('partner')];
    all.access.policies = [policy('p', 'fraud/iris:predict', { match: 'everyone' })];
    return all;
  };

  it('a policy never applies to a subject of another issuer', async () => {
    const { exchange, subjects, access } = twoIssuers();
    access.clients.unshift({
      clientId: 'notebook',
      mayExchange: [],
      authentication: 'none',
      issuers: ['keycloak', 'partner'],
    });
    subjects.tokens.set('alice', subject({ issuer: 'partner' }));
    await expect(exchange()).rejects.toEqual(unacceptable);
    access.policies = [policy('q', 'fraud/iris:predict', { match: 'everyone', issuer: 'partner' })];
    expect((await exchange()).scope).toBe('fraud/iris:predict');
  });

  it('a client of the same name at another issuer is another client', async () => {
    const { exchange, subjects, access } = twoIssuers();
    access.policies = [policy('q', 'fraud/iris:predict', { match: 'everyone', issuer: 'partner' })];
    access.clients.unshift({ clientId: 'notebook', mayExchange: [], authentication: 'none', issuers: ['keycloak'] });
    subjects.tokens.set('alice', subject({ issuer: 'partner' }));
    await expect(exchange()).rejects.toEqual(unacceptable);
  });

  it('with several issuers a client must say whose it is', async () => {
    await expect(twoIssuers().exchange()).rejects.toEqual(unacceptable);
  });

  it('equal subs of two issuers stay apart', async () => {
    const { exchange, claimsOf, subjects, access } = twoIssuers();
    access.clients.unshift({
      clientId: 'notebook',
      mayExchange: [],
      authentication: 'none',
      issuers: ['keycloak', 'partner'],
    });
    access.policies.push(policy('q', 'fraud/iris:predict', { match: 'everyone', issuer: 'partner' }));
    const ours = claimsOf(await exchange());
    subjects.tokens.set('alice', subject({ issuer: 'partner' }));
    expect([ours['sub'], claimsOf(await exchange())['sub']]).toEqual(['keycloak|alice', 'partner|alice']);
  });
});
