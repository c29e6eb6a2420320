/** The ways in which token services were broken before, each as a test that fails when this one can be. */
import { OAuthError, TokenType } from '@modelgate/oauth';
import { formatScope, parseScope, within } from '@modelgate/scope';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { audience, basic, issuer, policy, startOfTime, subject, trustedIssuer, world } from './endpoint.fixture.ts';
import type { Subject } from './subject.ts';

const refusedWith = (code: string) => expect.objectContaining({ code });
const unacceptable = expect.objectContaining({
  code: 'invalid_request',
  description: 'the subject or actor token is not acceptable',
});

describe('T1 the issued token never outlives its subject token', () => {
  it('whatever the policy and the defaults say', async () => {
    const lives = fc.integer({ min: 5, max: 40_000 });
    const ttl = fc.integer({ min: 5, max: 3600 });
    await fc.assert(
      fc.asyncProperty(
        lives,
        ttl,
        ttl,
        fc.integer({ min: 0, max: 999 }),
        async (left, maxTtl, defaultTtlSeconds, fraction) => {
          const { exchange, claimsOf, subjects, policies, clock } = world({ defaultTtlSeconds });
          clock.milliseconds += fraction;
          subjects.tokens.set('alice', subject({ expiresAt: startOfTime + left }));
          policies.list = [policy('p', 'fraud/iris:predict', { maxTtl })];
          const answer = await exchange();
          expect(claimsOf(answer)).toMatchObject({
            iat: startOfTime,
            exp: startOfTime + Math.min(left, maxTtl, defaultTtlSeconds),
          });
          expect(answer.expires_in).toBe(Math.min(left, maxTtl, defaultTtlSeconds));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('nor grows by being exchanged late', async () => {
    const { exchange, claimsOf, clock } = world();
    clock.milliseconds += 200_000;
    expect(claimsOf(await exchange())['exp']).toBe(startOfTime + 300);
  });

  it('nor by a fraction of a second', async () => {
    const { exchange, claimsOf, subjects } = world();
    subjects.tokens.set('alice', subject({ expiresAt: startOfTime + 60.9 }));
    expect(claimsOf(await exchange())['exp']).toBe(startOfTime + 60);
  });

  it('and is refused where a few seconds would remain', async () => {
    const { exchange, subjects } = world();
    subjects.tokens.set('alice', subject({ expiresAt: startOfTime + 4 }));
    await expect(exchange()).rejects.toEqual(unacceptable);
    subjects.tokens.set('alice', subject({ expiresAt: startOfTime + 5 }));
    expect((await exchange()).expires_in).toBe(5);
  });

  it('nor lives longer than an hour, whoever says so', async () => {
    const { exchange, subjects, policies } = world({ defaultTtlSeconds: 36_000 });
    subjects.tokens.set('alice', subject({ expiresAt: startOfTime + 36_000 }));
    policies.list = [policy('p', 'fraud/iris:predict', { maxTtl: 36_000 })];
    expect((await exchange()).expires_in).toBe(3600);
  });
});

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
    const { exchange, clients, subjects } = world();
    clients.clients.unshift({ clientId: 'notebook', mayExchange: ['scorer'], authentication: 'none' });
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
        const { exchange, policies } = world();
        const granted = await exchange({ scope: wanted.join(' ') }).then(
          ({ scope }) => scope,
          () => undefined,
        );
        const limits = [policies.list[0]?.grants ?? [], parseScope(wanted.join(' '))];
        return granted === undefined || limits.every((limit) => within(limit, parseScope(granted)));
      }),
    );
  });
});

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

describe('T4 a delegated subject never becomes a clean one', () => {
  const delegation = { actors: ['keycloak|agent'], maxDepth: 2 };
  const delegable = [policy('p', 'fraud/iris:predict', { delegation })];
  const agent = subject({ sub: 'agent', authorizedParty: 'broker' });
  const actor = { actor_token: 'agent', actor_token_type: TokenType.accessToken };
  const setUp = (claims: Partial<Subject>) => {
    const all = world();
    all.policies.list = delegable;
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
    const { exchange, policies, subjects, claimsOf } = setUp({ act: chain(8) });
    policies.list = [policy('p', 'fraud/iris:predict', { delegation: { ...delegation, maxDepth: 1000 } })];
    expect(JSON.stringify(claimsOf(await exchange())['act']).match(/keycloak\|agent/g)).toHaveLength(8);
    subjects.tokens.set('alice', subject({ act: chain(9) }));
    await expect(exchange()).rejects.toMatchObject({ detail: 'act is nested too deep' });
  });

  it('may_act without iss speaks of the issuer of the subject', async () => {
    const { exchange, policies, subjects, clients } = setUp({ mayAct: { sub: 'agent' } });
    policies.trusted = [trustedIssuer('keycloak'), trustedIssuer('partner')];
    policies.list = [
      policy('p', 'fraud/iris:predict', { delegation: { actors: ['partner|agent', 'keycloak|agent'], maxDepth: 1 } }),
    ];
    for (const client of clients.clients) client.issuers = ['keycloak', 'partner'];
    expect((await exchange(actor, basic('broker'))).scope).toBe('fraud/iris:predict');
    subjects.tokens.set('agent', { ...agent, issuer: 'partner' });
    await expect(exchange(actor, basic('broker'))).rejects.toMatchObject({ detail: 'may_act names another actor' });
  });

  it('an actor without delegation in the policy is refused', async () => {
    const { exchange, policies } = setUp({});
    policies.list = [policy('p', 'fraud/iris:predict')];
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

describe('T5 nothing crosses from one issuer to another', () => {
  const twoIssuers = () => {
    const all = world();
    all.policies.trusted = [trustedIssuer('keycloak'), trustedIssuer('partner')];
    all.policies.list = [policy('p', 'fraud/iris:predict', { match: 'everyone' })];
    return all;
  };

  it('a policy never applies to a subject of another issuer', async () => {
    const { exchange, subjects, clients, policies } = twoIssuers();
    clients.clients.unshift({
      clientId: 'notebook',
      mayExchange: [],
      authentication: 'none',
      issuers: ['keycloak', 'partner'],
    });
    subjects.tokens.set('alice', subject({ issuer: 'partner' }));
    await expect(exchange()).rejects.toEqual(unacceptable);
    policies.list = [policy('q', 'fraud/iris:predict', { match: 'everyone', issuer: 'partner' })];
    expect((await exchange()).scope).toBe('fraud/iris:predict');
  });

  it('a client of the same name at another issuer is another client', async () => {
    const { exchange, subjects, clients, policies } = twoIssuers();
    policies.list = [policy('q', 'fraud/iris:predict', { match: 'everyone', issuer: 'partner' })];
    clients.clients.unshift({ clientId: 'notebook', mayExchange: [], authentication: 'none', issuers: ['keycloak'] });
    subjects.tokens.set('alice', subject({ issuer: 'partner' }));
    await expect(exchange()).rejects.toEqual(unacceptable);
  });

  it('with several issuers a client must say whose it is', async () => {
    await expect(twoIssuers().exchange()).rejects.toEqual(unacceptable);
  });

  it('equal subs of two issuers stay apart', async () => {
    const { exchange, claimsOf, subjects, clients, policies } = twoIssuers();
    clients.clients.unshift({
      clientId: 'notebook',
      mayExchange: [],
      authentication: 'none',
      issuers: ['keycloak', 'partner'],
    });
    policies.list.push(policy('q', 'fraud/iris:predict', { match: 'everyone', issuer: 'partner' }));
    const ours = claimsOf(await exchange());
    subjects.tokens.set('alice', subject({ issuer: 'partner' }));
    expect([ours['sub'], claimsOf(await exchange())['sub']]).toEqual(['keycloak|alice', 'partner|alice']);
  });
});

describe('T6 what was disabled gets no token', () => {
  it('a disabled policy', async () => {
    const { exchange, policies } = world();
    policies.list = [policy('p', 'fraud/iris:predict', { enabled: false })];
    await expect(exchange()).rejects.toEqual(unacceptable);
  });

  it('an issuer that was removed, though its tokens still verify', async () => {
    const { exchange, policies, clients } = world();
    clients.clients.unshift({ clientId: 'notebook', mayExchange: [], authentication: 'none', issuers: ['keycloak'] });
    policies.trusted = [];
    await expect(exchange()).rejects.toEqual(unacceptable);
  });

  it('a client that was removed', async () => {
    const { exchange, clients } = world();
    clients.clients.length = 0;
    await expect(exchange()).rejects.toEqual(refusedWith('invalid_client'));
    await expect(exchange({}, basic('broker'))).rejects.toEqual(refusedWith('invalid_client'));
  });

  it('a subject that lost its role', async () => {
    const { exchange, subjects } = world();
    subjects.tokens.set('alice', subject({ claims: { realm_access: { roles: ['viewer'] } } }));
    await expect(exchange()).rejects.toEqual(unacceptable);
  });
});

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
    const { exchange, subjects, policies } = world();
    policies.list = [policy('p', 'fraud/iris:predict', { delegation: { actors: ['keycloak|agent'], maxDepth: 1 } })];
    subjects.tokens.set('agent', agent);
    const actor = { actor_token: 'agent', actor_token_type: TokenType.jwt };
    await expect(exchange(actor, basic('broker'))).rejects.toEqual(unacceptable);
  });
});

describe('T8 resource is no way around audience, nor audience around resource', () => {
  const model = `${audience}/serving/fraud/iris`;
  it.each([
    ['another resource', { resource: 'https://other.example.com' }],
    ['another resource beside ours', { resource: [audience, 'https://other.example.com'] }],
    ['another resource beside our audience', { resource: 'https://other.example.com', audience }],
    ['another audience', { audience: 'other' }],
    ['another audience beside ours', { audience: [audience, 'other'] }],
    ['another audience beside our resource', { audience: 'other', resource: model }],
    ['an audience that begins like ours', { audience: `${audience}.evil.example` }],
    ['a resource that begins like ours', { resource: `${audience}.evil.example` }],
    ['our resource with a trailing slash', { resource: `${audience}/` }],
    ['our resource in capitals', { resource: audience.toUpperCase() }],
    ['our resource with a query', { resource: `${audience}?x` }],
    ['a model as an audience', { audience: model }],
    ['a model by a longer path', { resource: `${model}/v1/models/iris:predict` }],
    ['a model by a pattern', { resource: `${audience}/serving/fraud/*` }],
    ['a model by an encoded path', { resource: `${audience}/serving/fraud%2Firis` }],
    ['a model by a path with dots', { resource: `${audience}/serving/fraud/../loans/tree` }],
    ['a namespace', { resource: `${audience}/serving/fraud` }],
    ['a model that is not granted', { resource: `${audience}/serving/loans/tree` }],
    ['a model that is not granted beside one that is', { resource: [model, `${audience}/serving/loans/tree`] }],
    ['a relative resource', { resource: '/serving/fraud/iris' }],
  ])('%s is refused', async (_, parameters) => {
    await expect(world().exchange(parameters)).rejects.toEqual(refusedWith('invalid_target'));
  });

  it.each([
    ['our audience', { audience }, 'fraud/iris:predict fraud/iris:explain fraud/tree:predict'],
    [
      'our audience twice',
      { audience: [audience, audience] },
      'fraud/iris:predict fraud/iris:explain fraud/tree:predict',
    ],
    ['our resource', { resource: audience, audience }, 'fraud/iris:predict fraud/iris:explain fraud/tree:predict'],
    ['one model', { resource: model }, 'fraud/iris:predict fraud/iris:explain'],
    [
      'two models',
      { resource: [model, `${audience}/serving/fraud/tree`] },
      'fraud/iris:predict fraud/iris:explain fraud/tree:predict',
    ],
    [
      'one model and a scope',
      { resource: model, scope: 'fraud/iris:predict fraud/tree:predict' },
      'fraud/iris:predict',
    ],
    [
      'everything and one model',
      { resource: [audience, model] },
      'fraud/iris:predict fraud/iris:explain fraud/tree:predict',
    ],
  ])('%s is granted', async (_, parameters, scope) => expect((await world().exchange(parameters)).scope).toBe(scope));

  it('the issued audience is ours, whatever was named', async () => {
    const { exchange, claimsOf } = world();
    expect(claimsOf(await exchange({ resource: model }))['aud']).toBe(audience);
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

describe('T10 issued_token_type says what was issued', () => {
  it.each([
    [undefined, TokenType.accessToken],
    [TokenType.accessToken, TokenType.accessToken],
    [TokenType.jwt, TokenType.jwt],
  ])('asked for %s: %s', async (asked, issued) => {
    const answer = await world().exchange(asked === undefined ? {} : { requested_token_type: asked });
    expect(answer).toMatchObject({ issued_token_type: issued, token_type: 'Bearer' });
  });

  it.each([TokenType.idToken, TokenType.refreshToken, TokenType.saml1, TokenType.saml2, 'urn:x'])(
    '%s is refused',
    async (asked) => {
      await expect(world().exchange({ requested_token_type: asked })).rejects.toEqual(refusedWith('invalid_request'));
    },
  );
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
    const { exchange, policies, subjects } = world();
    subjects.tokens.set('alice', subject({ claims }));
    policies.list = Array.from({ length: 50 }, (_, i) => policy(`p${i}`, 'fraud/iris:predict'));
    await expect(exchange()).rejects.toMatchObject({ detail: expect.stringMatching(/; and 30 more$/) });
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
    const { exchange, subjects, policies, claimsOf } = world();
    policies.trusted = [trustedIssuer('keycloak', issuer)];
    const { access_token: modelToken } = await exchange();
    const claims = claimsOf(await exchange());
    subjects.tokens.set(modelToken, subject({ claims }));
    await expect(exchange({ subject_token: modelToken })).rejects.toEqual(unacceptable);
  });
});

it('the whole grant of the policy is given where nothing is named', async () => {
  const { exchange, policies } = world();
  expect((await exchange()).scope).toBe(formatScope(policies.list[0]?.grants ?? []));
});

it('nothing named and several policies: the caller is asked to say more, and told no name', async () => {
  const { exchange, policies } = world();
  policies.list.push(policy('fraud-interactive', 'fraud/iris:metadata'));
  await expect(exchange()).rejects.toMatchObject({
    code: 'invalid_request',
    description: 'say what is wanted: a scope, a resource or a policy',
  });
  expect((await exchange({ policy: 'fraud-interactive' })).scope).toBe('fraud/iris:metadata');
  expect((await exchange({ scope: 'fraud/iris:metadata' })).scope).toBe('fraud/iris:metadata');
});
