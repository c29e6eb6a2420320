import { describe, expect, it } from 'vitest';
import { jwksDocument } from './jwks-document.ts';
import { row } from './key-ring.fixture.ts';
import { generateKey } from './new-key.ts';
import { signingAlgs, type KeyState, type SigningKey } from './signing-key.ts';

async function real(state: KeyState, alg: SigningKey['alg'] = 'ES256'): Promise<SigningKey> {
  const { kid, publicJwk } = await generateKey(alg);
  return row(state, { kid, alg, publicJwk });
}

describe('the JWKS', () => {
  it.each<[KeyState, boolean]>([
    ['STANDBY', true],
    ['ACTIVE', true],
    ['RETIRING', true],
    ['SUSPECT', true],
    ['RETIRED', false],
    ['REVOKED', false],
  ])('holds a %s key: %s', async (state, listed) => {
    const key = await real(state);
    const { kids, body } = jwksDocument([key], 60);
    expect(kids).toEqual(listed ? [key.kid] : []);
    expect(body.includes(key.kid)).toBe(listed);
  });

  it.each(signingAlgs)('shows a %s key as it is, with kid, alg and use', async (alg) => {
    const key = await real('ACTIVE', alg);
    expect(JSON.parse(jwksDocument([key], 60).body.toString())).toEqual({ keys: [key.publicJwk] });
  });

  it('never shows a private member, whatever a row holds', async () => {
    const key = await real('ACTIVE');
    const leaky = { ...key, publicJwk: { ...key.publicJwk, d: 'secret', k: 'secret', note: 'x' } };
    expect(jwksDocument([leaky], 60).body.toString()).toBe(jwksDocument([key], 60).body.toString());
  });

  it('has an entity tag that changes with its keys and with nothing else', async () => {
    const [one, other] = [await real('ACTIVE'), await real('STANDBY')];
    const { etag } = jwksDocument([one, other], 60);
    expect(etag).toMatch(/^"[\w-]{22}"$/);
    expect(jwksDocument([{ ...one, version: 7, lastSignedExp: 5 }, other], 60).etag).toBe(etag);
    expect(jwksDocument([one], 60).etag).not.toBe(etag);
  });

  it('names each algorithm once', async () => {
    const keys = [
      await real('ACTIVE'),
      await real('STANDBY'),
      await real('ACTIVE', 'EdDSA'),
      await real('REVOKED', 'PS256'),
    ];
    expect(jwksDocument(keys, 60).algs).toEqual(['ES256', 'EdDSA']);
  });
});
