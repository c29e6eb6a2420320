import { calculateJwkThumbprint } from 'jose';
import { describe, expect, it } from 'vitest';
import { generateKey, thumbprintOf } from './new-key.ts';
import { prepareKey } from './signer.ts';
import { signingAlgs } from './signing-key.ts';

describe.each(signingAlgs)('a new %s key', (alg) => {
  it('is named by its RFC 7638 thumbprint, and says what it is for', async () => {
    const { kid, publicJwk, privateKey } = await generateKey(alg);
    expect(kid).toBe(await calculateJwkThumbprint(publicJwk));
    expect(publicJwk).toMatchObject({ kid, alg, use: 'sig' });
    expect(thumbprintOf(prepareKey(privateKey))).toBe(kid);
  });

  it('has no private member in its public JWK', async () => {
    const { publicJwk } = await generateKey(alg);
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) expect(publicJwk).not.toHaveProperty(member);
  });

  it('is another one each time', async () => {
    expect((await generateKey(alg)).kid).not.toBe((await generateKey(alg)).kid);
  });
});
