import { maxClaimLength, maxModelTokenLength, maxPolicyVersion, maxScopeTokens } from '@modelgate/core';
import { JwksManager } from '@modelgate/jwt';
import { ModelTokenVerifier, RevocationList, type ModelToken } from '@modelgate/verifier';
import { afterEach, describe, expect, it } from 'vitest';
import { audience, issuer, policy, subject, world } from '../endpoint.fixture.ts';

type World = ReturnType<typeof world>;
const managers: JwksManager[] = [];
afterEach(() => managers.splice(0).forEach((manager) => manager.stop()));

/** As a gateway verifies it. */
async function verified({ clock, signing }: World, token: string): Promise<ModelToken> {
  const { kid, alg } = signing.signer;
  const key = { ...signing.publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' };
  const body = Buffer.from(JSON.stringify({ keys: [key] }));
  const get = () => Promise.resolve({ status: 200, headers: new Headers(), body });
  const keys = new JwksManager({ url: `${issuer}/jwks`, algorithms: [alg], clock, get });
  managers.push(keys);
  await keys.start();
  const revocations = new RevocationList({ clock });
  return new ModelTokenVerifier({
    issuer,
    audience,
    skewSeconds: 30,
    maxLifetimeSeconds: 3600,
    keys,
    revocations,
    clock,
  }).verify(token);
}

/** `count` models, each named with so many characters. */
const models = (count: number, length: number): string[] =>
  Array.from({ length: count }, (_, i) => `fraud/m${String(i).padStart(length - 7, '0')}`);

function granting(names: readonly string[]): World {
  const made = world();
  const version = maxPolicyVersion;
  made.access.policies = [policy('p', names.map((name) => `${name}:predict`).join(' '), { version })];
  return made;
}

describe('a token that was issued is one that gateways take', () => {
  it('with a hundred models of 28 characters', async () => {
    const made = granting(models(100, 28));
    const { access_token: token } = await made.exchange();
    expect((await verified(made, token)).grants).toHaveLength(100);
  });

  it('up to the largest grant there is, and a larger one is refused with the limit', async () => {
    const attempts = Array.from({ length: 20 }, async (_, more) => {
      const made = granting(models(maxScopeTokens, 28 + more));
      const [outcome] = await Promise.allSettled([made.exchange()]);
      return { made, outcome };
    });
    const outcomes = await Promise.all(attempts);
    const refused = outcomes.findIndex(({ outcome }) => outcome.status === 'rejected');
    expect(outcomes[refused]?.outcome).toMatchObject({
      reason: { code: 'invalid_scope', description: expect.stringContaining(String(maxModelTokenLength)) },
    });
    const largest = outcomes[refused - 1];
    if (largest?.outcome.status !== 'fulfilled') throw new Error('none was issued');
    const { access_token: token } = largest.outcome.value;
    expect(token.length).toBeGreaterThan(maxModelTokenLength - 500);
    expect(await verified(largest.made, token)).toMatchObject({ policyVersion: maxPolicyVersion });
  });

  it('and part of a grant that is too large as a whole can be had', async () => {
    const names = models(maxScopeTokens, 60);
    const made = granting(names);
    await expect(made.exchange()).rejects.toMatchObject({ code: 'invalid_scope' });
    const { access_token: token } = await made.exchange({ scope: `${names[0]}:predict` });
    expect((await verified(made, token)).grants).toHaveLength(1);
  });

  it('with the longest subject, and a longer one is refused', async () => {
    const made = world();
    const sub = 'x'.repeat(maxClaimLength - 'keycloak|'.length);
    made.subjects.tokens.set('alice', subject({ sub }));
    const { access_token: token } = await made.exchange();
    expect((await verified(made, token)).subject).toHaveLength(maxClaimLength);
    for (const wrong of [`${sub}x`, 'a\nb']) {
      made.subjects.tokens.set('alice', subject({ sub: wrong }));
      await expect(made.exchange()).rejects.toMatchObject({ code: 'invalid_request' });
    }
  });
});
