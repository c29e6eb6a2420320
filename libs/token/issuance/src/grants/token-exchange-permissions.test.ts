import { formatScope, parseScope, within } from '@modelgate/scope';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { basic, policy, subject, world } from '../endpoint.fixture.ts';
import { refusedWith, unacceptable } from './token-exchange.fixture.ts';

describe('T2 the subject token is bound to the caller, and permissions never grow', () => {
  it.each([
    ['a public client its own', 'notebook', { client_id: 'notebook' }, undefined, true],
    ['a public client that of another', 'scorer', { client_id: 'notebook' }, undefined, false],
    ['a confidential client its own', 'scorer', {}, basic('scorer'), true],
    ['a confidential client that of another', 'notebook', {}, basic('scorer'), false],
    ['a confidential client that of one it may exchange for', 'notebook', {}, basic('broker'), true],
    ['a token that names no client', undefined, { client_id: 'notebook' }, undefined, false],
  ])('%s', async (_, authorizedParty, parameters, authorization, accepted) => {
    const { exchange, subjects } = world();
    const { authorizedParty: _none, ...anonymous } = subject();
    subjects.tokens.set('alice', authorizedParty === undefined ? anonymous : { ...anonymous, authorizedParty });
    const outcome = await exchange(parameters, authorization).then(
      () => true,
      (error: unknown) => error,
    );
    expect(outcome).toEqual(accepted || unacceptable);
  });

  it('a public client exchanges its own token alone, whatever it is registered with', async () => {
    const { exchange, access, subjects } = world();
    access.clients.unshift({ clientId: 'notebook', mayExchange: ['scorer'], authentication: 'none' });
    subjects.tokens.set('alice', subject({ authorizedParty: 'scorer' }));
    await expect(exchange()).rejects.toEqual(unacceptable);
  });

  it.each(['fraud/iris:predict loans/tree:predict', 'fraud/*:predict', 'fraud/iris:generate'])(
    '%s is refused as a whole',
    async (scope) => {
      await expect(world().exchange({ scope })).rejects.toEqual(refusedWith('invalid_scope'));
    },
  );

  it('what is granted lies within the policy and the request', async () => {
    const tokens = [
      'fraud/iris:predict',
      'fraud/iris:explain',
      'fraud/tree:predict',
      'fraud/*:predict',
      'loans/tree:predict',
    ];
    await fc.assert(
      fc.asyncProperty(fc.subarray(tokens, { minLength: 1 }), async (wanted) => {
        const { exchange, access } = world();
        const granted = await exchange({ scope: wanted.join(' ') }).then(
          ({ scope }) => scope,
          () => undefined,
        );
        const limits = [access.policies[0]?.grants ?? [], parseScope(wanted.join(' '))];
        return granted === undefined || limits.every((limit) => within(limit, parseScope(granted)));
      }),
    );
  });
});

describe('T6 what was disabled gets no token', () => {
  it('a disabled policy', async () => {
    const { exchange, access } = world();
    access.policies = [policy('p', 'fraud/iris:predict', { enabled: false })];
    await expect(exchange()).rejects.toEqual(unacceptable);
  });

  it('an issuer that was removed, though its tokens still verify', async () => {
    const { exchange, access } = world();
    access.clients.unshift({ clientId: 'notebook', mayExchange: [], authentication: 'none', issuers: ['keycloak'] });
    access.issuers = [];
    await expect(exchange()).rejects.toEqual(unacceptable);
  });

  it('a client that was removed', async () => {
    const { exchange, access } = world();
    access.clients.length = 0;
    await expect(exchange()).rejects.toEqual(refusedWith('invalid_client'));
    await expect(exchange({}, basic('broker'))).rejects.toEqual(refusedWith('invalid_client'));
  });

  it('a subject that lost its role', async () => {
    const { exchange, subjects } = world();
    subjects.tokens.set('alice', subject({ claims: { realm_access: { roles: ['viewer'] } } }));
    await expect(exchange()).rejects.toEqual(unacceptable);
  });
});

it('the whole grant of the policy is given where nothing is named', async () => {
  const { exchange, access } = world();
  expect((await exchange()).scope).toBe(formatScope(access.policies[0]?.grants ?? []));
});

it('nothing named and several policies: the caller is asked to say more, and told no name', async () => {
  const { exchange, access } = world();
  access.policies.push(policy('fraud-interactive', 'fraud/iris:metadata'));
  await expect(exchange()).rejects.toMatchObject({
    code: 'invalid_request',
    description: 'say what is wanted: a scope, a resource or a policy',
  });
  expect((await exchange({ policy: 'fraud-interactive' })).scope).toBe('fraud/iris:metadata');
  expect((await exchange({ scope: 'fraud/iris:metadata' })).scope).toBe('fraud/iris:metadata');
});
