import { describe, expect, it } from 'vitest';
import type { RevocationStore } from './revocation-store.ts';

const audit = { requestId: 'request-1', clientId: 'batch-scorer', subject: 'keycloak|alice' };
const now = 1_800_000_000;

/**
 * What every RevocationStore must do.
 *
 * @param makeStore an empty store for each test
 */
export function revocationStoreContract(makeStore: () => Promise<RevocationStore>): void {
  describe('RevocationStore', () => {
    it('is empty before anything was revoked, under a version', async () => {
      const { version, tokens } = await (await makeStore()).snapshot(now);
      expect(tokens).toEqual([]);
      expect(version).not.toBe('');
    });

    it('has every revoked token in the next snapshot', async () => {
      const store = await makeStore();
      await store.revoke({ jti: 'b', expiresAt: now + 10 }, audit);
      await store.revoke({ jti: 'a', expiresAt: now + 20 }, audit);
      const { tokens } = await store.snapshot(now);
      expect(tokens.toSorted((x, y) => x.expiresAt - y.expiresAt)).toEqual([
        { jti: 'b', expiresAt: now + 10 },
        { jti: 'a', expiresAt: now + 20 },
      ]);
    });

    it('takes a time beyond 2038, and forgets it then', async () => {
      const in2040 = 2_208_988_800;
      const store = await makeStore();
      await store.revoke({ jti: 'a', expiresAt: in2040 }, audit);
      expect((await store.snapshot(now)).tokens).toEqual([{ jti: 'a', expiresAt: in2040 }]);
      expect(await store.prune(in2040 - 1)).toBe(0);
      expect(await store.prune(in2040)).toBe(1);
    });

    it('is idempotent: revoking twice changes neither the list nor its version', async () => {
      const store = await makeStore();
      await store.revoke({ jti: 'a', expiresAt: now + 10 }, audit);
      const once = await store.snapshot(now);
      await store.revoke({ jti: 'a', expiresAt: now + 10 }, { ...audit, requestId: 'request-2' });
      expect(await store.snapshot(now)).toEqual(once);
    });

    it('forgets a token at its expiry and not before', async () => {
      const store = await makeStore();
      await store.revoke({ jti: 'a', expiresAt: now + 10 }, audit);
      expect((await store.snapshot(now + 9)).tokens).toHaveLength(1);
      expect((await store.snapshot(now + 10)).tokens).toEqual([]);
    });

    it('changes its version whenever the list changes', async () => {
      const store = await makeStore();
      const empty = await store.snapshot(now);
      await store.revoke({ jti: 'a', expiresAt: now + 10 }, audit);
      const one = await store.snapshot(now);
      await store.revoke({ jti: 'b', expiresAt: now + 20 }, audit);
      const two = await store.snapshot(now);
      const oneLeft = await store.snapshot(now + 10);
      expect(new Set([empty, one, two, oneLeft].map(({ version }) => version)).size).toBe(4);
    });

    it('keeps its version while the list stays the same', async () => {
      const store = await makeStore();
      await store.revoke({ jti: 'a', expiresAt: now + 10 }, audit);
      const { version } = await store.snapshot(now);
      expect((await store.snapshot(now + 5)).version).toBe(version);
    });

    it('takes revocations that come at the same time, the same one among them', async () => {
      const store = await makeStore();
      const jtis = ['a', 'b', 'c', 'a', 'b', 'c'];
      await Promise.all(jtis.map((jti) => store.revoke({ jti, expiresAt: now + 10 }, audit)));
      expect((await store.snapshot(now)).tokens.map(({ jti }) => jti).toSorted()).toEqual(['a', 'b', 'c']);
    });

    it('prunes what has expired and nothing else', async () => {
      const store = await makeStore();
      await store.revoke({ jti: 'a', expiresAt: now + 10 }, audit);
      await store.revoke({ jti: 'b', expiresAt: now + 20 }, audit);
      expect(await store.prune(now + 9)).toBe(0);
      expect(await store.prune(now + 10)).toBe(1);
      expect((await store.snapshot(now)).tokens).toEqual([{ jti: 'b', expiresAt: now + 20 }]);
    });

    it('takes any jti as it is', async () => {
      const store = await makeStore();
      const jtis = ["'; drop table x; --", 'onrtro:0d4b', 'ü', 'x'.repeat(255)];
      for (const jti of jtis) await store.revoke({ jti, expiresAt: now + 10 }, audit);
      const { tokens } = await store.snapshot(now);
      expect(new Set(tokens.map(({ jti }) => jti))).toEqual(new Set(jtis));
    });
  });
}
