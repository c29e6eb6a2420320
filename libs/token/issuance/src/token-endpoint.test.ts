import { type AuditEvent } from '@modelgate/audit';
import { StoreUnavailable } from '@modelgate/core';
import { TokenType } from '@modelgate/oauth';
import { parseScope } from '@modelgate/scope';
import { describe, expect, it } from 'vitest';
import {
  audience,
  basic,
  es256,
  exchangeOf,
  issuer,
  ListedAudit,
  policy,
  readToken,
  startOfTime,
  subject,
  world,
} from './endpoint.fixture.ts';

describe('a granted exchange', () => {
  it('answers with exactly what was granted', async () => {
    const answer = await world().exchange({ scope: 'fraud/iris:explain fraud/iris:predict' });
    expect(answer).toEqual({
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]{86}$/),
      issued_token_type: TokenType.accessToken,
      token_type: 'Bearer',
      expires_in: 300,
      scope: 'fraud/iris:predict fraud/iris:explain',
      authorization_details: [{ type: 'kserve_inference', models: ['fraud/iris'], actions: ['predict', 'explain'] }],
    });
  });

  it('issues the token of the design, signed, with nothing of the subject token in it but its subject', async () => {
    const { exchange, signing } = world({ randomJti: () => 'jti-1' });
    const { access_token: token } = await exchange({ scope: 'fraud/iris:predict' }, basic('broker'));
    expect(readToken(token, signing.publicKey)).toEqual({
      header: { typ: 'at+jwt', alg: 'ES256', kid: 'key-1' },
      claims: {
        iss: issuer,
        sub: 'keycloak|alice',
        aud: audience,
        client_id: 'broker',
        iat: startOfTime,
        exp: startOfTime + 300,
        jti: 'jti-1',
        scope: 'fraud/iris:predict',
        authorization_details: [{ type: 'kserve_inference', models: ['fraud/iris'], actions: ['predict'] }],
        policy: 'fraud-batch',
        policy_version: 3,
      },
    });
  });

  it('gives every token a jti of its own', async () => {
    const { exchange, claimsOf } = world();
    const jtis = await Promise.all(Array.from({ length: 20 }, async () => claimsOf(await exchange())['jti']));
    expect(new Set(jtis).size).toBe(20);
  });

  it('names the key that signs now, also after a rotation', async () => {
    const [first, second] = [es256('first'), es256('second')];
    let signing = first;
    const { exchange } = world({ minting: { signer: () => signing.signer } });
    expect(readToken((await exchange()).access_token, first.publicKey).header).toMatchObject({ kid: 'first' });
    signing = second;
    expect(readToken((await exchange()).access_token, second.publicKey).header).toMatchObject({ kid: 'second' });
  });

  it('spells scope and authorization_details so that both say the same', async () => {
    const { exchange, access } = world();
    access.policies = [policy('p', 'fraud/*:predict fraud/llm#lora:generate fraud/llm#lora:metadata')];
    const { scope, authorization_details: details } = await exchange();
    expect(parseScope(scope)).toHaveLength(2);
    expect(details).toEqual([
      { type: 'kserve_inference', models: ['fraud/*'], actions: ['predict'] },
      { type: 'kserve_inference', models: ['fraud/llm#lora'], actions: ['generate', 'metadata'] },
    ]);
  });

  it('takes authorization_details for our location, and narrows by every parameter at once', async () => {
    const details = [
      { type: 'kserve_inference', models: ['fraud/iris', 'fraud/tree'], actions: ['predict'], locations: [audience] },
    ];
    const answer = await world().exchange({
      authorization_details: JSON.stringify(details),
      scope: 'fraud/iris:predict fraud/iris:explain',
      resource: `${audience}/serving/fraud/iris`,
      audience,
      policy: 'fraud-batch',
    });
    expect(answer.scope).toBe('fraud/iris:predict');
  });

  it('refuses authorization_details for another location, and a member named twice', async () => {
    const elsewhere = [
      { type: 'kserve_inference', models: ['fraud/iris'], actions: ['predict'], locations: ['https://x'] },
    ];
    const twice = '[{"type":"kserve_inference","models":["fraud/iris"],"actions":["predict"],"actions":["explain"]}]';
    for (const details of [JSON.stringify(elsewhere), twice]) {
      await expect(world().exchange({ authorization_details: details })).rejects.toMatchObject({
        code: 'invalid_authorization_details',
      });
    }
  });

  it('never carries more than a token may', async () => {
    const { exchange, access } = world();
    const models = Array.from({ length: 129 }, (_, i) => `fraud/m${i}:predict`);
    access.policies = [policy('p', models.slice(0, 128).join(' '))];
    expect((await exchange()).scope.split(' ')).toHaveLength(128);
    access.policies = [{ ...policy('p', 'a/b:predict'), grants: models.flatMap((model) => parseScope(model)) }];
    await expect(exchange()).rejects.toMatchObject({ code: 'invalid_scope' });
  });
});

describe('the audit log', () => {
  it('has the event before the token leaves', async () => {
    let finish = () => {};
    const written = new Promise<void>((resolve) => (finish = resolve));
    class SlowAudit extends ListedAudit {
      override async write(event: AuditEvent): Promise<void> {
        await written;
        return super.write(event);
      }
    }
    const audit = new SlowAudit();
    const order: string[] = [];
    const answer = world({ audit })
      .exchange()
      .then(() => order.push('token'));
    await new Promise((resolve) => setImmediate(resolve));
    order.push('written');
    finish();
    await answer;
    expect(order).toEqual(['written', 'token']);
    expect(audit.events).toHaveLength(1);
  });

  it('says who got what until when, and holds no token', async () => {
    const { exchange, audit } = world({ randomJti: () => 'jti-1' });
    const { access_token: token } = await exchange({ scope: 'fraud/iris:predict' });
    expect(audit.events).toEqual([
      {
        at: startOfTime * 1000,
        requestId: 'request-1',
        action: 'token.exchange',
        outcome: 'granted',
        clientId: 'notebook',
        subject: 'keycloak|alice',
        issuer: 'keycloak',
        policy: 'fraud-batch',
        policyVersion: 3,
        jti: 'jti-1',
        kid: 'key-1',
        scope: 'fraud/iris:predict',
        expiresAt: startOfTime + 300,
      },
    ]);
    expect(JSON.stringify(audit.events)).not.toContain(token.split('.')[2]);
  });

  it('withholds the token while it cannot be written', async () => {
    const { exchange, audit, unaudited } = world();
    audit.failure = new StoreUnavailable('down');
    await expect(exchange()).rejects.toMatchObject({ code: 'temporarily_unavailable', status: 503, retryAfter: 2 });
    expect(unaudited).toHaveLength(1);
    audit.failure = new Error('a fault');
    await expect(exchange()).rejects.toThrow('a fault');
  });

  it('has refusals too, with as much as was known', async () => {
    const { exchange, audit } = world();
    await expect(exchange({ client_id: 'nobody' })).rejects.toThrow();
    await expect(exchange({ grant_type: 'password' })).rejects.toThrow();
    await expect(exchange({ scope: 'loans/tree:predict' })).rejects.toThrow();
    const common = { at: startOfTime * 1000, requestId: 'request-1', outcome: 'refused' };
    expect(audit.events).toEqual([
      { ...common, action: 'token.issue', reason: 'invalid_client: unknown client' },
      {
        ...common,
        action: 'token.issue',
        reason: 'unsupported_grant_type: the grant type is not supported',
        clientId: 'notebook',
      },
      {
        ...common,
        action: 'token.exchange',
        reason: 'invalid_scope: fraud-batch: scope_exceeded',
        clientId: 'notebook',
        subject: 'keycloak|alice',
        issuer: 'keycloak',
      },
    ]);
  });

  it('does not turn a refusal into anything else while it is down', async () => {
    const { exchange, audit, unaudited } = world();
    audit.failure = new StoreUnavailable('down');
    await expect(exchange({ scope: 'loans/tree:predict' })).rejects.toMatchObject({ code: 'invalid_scope' });
    expect(unaudited).toMatchObject([{ outcome: 'refused', reason: 'invalid_scope: fraud-batch: scope_exceeded' }]);
  });

  it('is not waited for by a refusal, and a flood of refusals does not pile up', async () => {
    class StuckAudit extends ListedAudit {
      override write(): Promise<void> {
        return new Promise(() => {});
      }
    }
    const { exchange, unaudited } = world({ audit: new StuckAudit() });
    for (let i = 0; i < 1003; i++)
      await expect(exchange({ grant_type: 'x' })).rejects.toMatchObject({ code: 'unsupported_grant_type' });
    expect(unaudited).toHaveLength(3);
  });
});

describe('the signing key', () => {
  const noKey = expect.objectContaining({ code: 'temporarily_unavailable', status: 503, retryAfter: 5 });

  it('that is not there is a matter of waiting', async () => {
    const minting = {
      signer() {
        throw new Error('no ACTIVE key');
      },
    };
    await expect(world({ minting }).exchange()).rejects.toEqual(noKey);
  });

  it('that a process has slept through is there again once it has looked', async () => {
    const { signer } = es256();
    let awake = false;
    const minting = {
      signer() {
        if (!awake) throw new Error('what is known of the keys is 11 s old');
        return signer;
      },
      wake: () => Promise.resolve().then(() => void (awake = true)),
    };
    expect((await world({ minting }).exchange()).token_type).toBe('Bearer');
    const nothing = { ...minting, signer: () => signer, wake: () => undefined };
    expect((await world({ minting: nothing }).exchange()).token_type).toBe('Bearer');
  });

  it('caps the life of the token by its own', async () => {
    const { signer } = es256();
    const { exchange } = world({ minting: { signer: () => ({ ...signer, verifyNotAfter: startOfTime + 60 }) } });
    expect((await exchange()).expires_in).toBe(60);
  });

  it('that is about to end is not the fault of the caller', async () => {
    const { signer } = es256();
    const { exchange } = world({ minting: { signer: () => ({ ...signer, verifyNotAfter: startOfTime + 2 }) } });
    await expect(exchange()).rejects.toEqual(noKey);
  });
});

describe('the default life', () => {
  it.each([0, -1, 0.5, Number.NaN])('of %d seconds is a mistake', (defaultTtlSeconds) => {
    expect(() => world({ defaultTtlSeconds })).toThrow(RangeError);
  });

  it('may be shorter than the least that is worth sending', async () => {
    expect((await world({ defaultTtlSeconds: 2 }).exchange()).expires_in).toBe(2);
  });
});

describe('the form', () => {
  it.each([
    ['%', 'invalid_request'],
    ['', 'invalid_client'],
    ['grant_type=a&grant_type=b&client_id=notebook', 'invalid_request'],
    ['client_id=notebook', 'invalid_request'],
    ['client_id=notebook&grant_type=client_credentials', 'unsupported_grant_type'],
    ['client_id=notebook&grant_type=__proto__', 'unsupported_grant_type'],
  ])('%j is refused as %s', async (form, code) => {
    await expect(world().endpoint.handle({ form, requestId: 'r' })).rejects.toMatchObject({ code });
  });

  it('authenticates the client before it looks at anything else', async () => {
    const { send, subjects } = world();
    subjects.verify = () => expect.unreachable('the subject token was read for an unauthenticated client');
    await expect(send({ ...exchangeOf('alice') }, basic('broker', 'wrong'))).rejects.toMatchObject({
      code: 'invalid_client',
    });
  });

  it('is read once: a subject token is verified as the type it was presented as', async () => {
    const { exchange, subjects } = world();
    const seen: string[] = [];
    subjects.verify = async (token: string, type?: string) => {
      seen.push(`${token} ${type}`);
      return subject();
    };
    await exchange({ subject_token_type: TokenType.jwt });
    expect(seen).toEqual([`alice ${TokenType.jwt}`]);
  });
});

it('a verifier whose keys cannot be had is a matter of waiting, not of the token', async () => {
  const { exchange, subjects } = world();
  const { OAuthError } = await import('@modelgate/oauth');
  subjects.verify = async () => {
    throw new OAuthError('temporarily_unavailable', 'keys', { retryAfter: 7 });
  };
  await expect(exchange()).rejects.toMatchObject({ code: 'temporarily_unavailable', retryAfter: 7 });
});
