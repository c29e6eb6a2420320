import { createHash, randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { KeyConflict, type KeyTransition, type SigningKeyStore } from './signing-key-store.ts';
import type { KeyState, SigningKey } from './signing-key.ts';

const created = 1_800_000_000_000;

/**
 * What every SigningKeyStore must do.
 *
 * @param makeStore an empty store for each test
 */
export function signingKeyStoreContract(makeStore: () => Promise<SigningKeyStore>): void {
  const issuer = 'https://tokens.example.com';

  function key(state: KeyState, change: Partial<SigningKey> = {}): SigningKey {
    const kid = createHash('sha256').update(randomUUID()).digest('base64url');
    const sealed = { kekId: 'kek-1', version: 1, wrappedKey: 'd3JhcHBlZA', ciphertext: 'c2VhbGVk' };
    return {
      issuer,
      kid,
      alg: 'ES256',
      state,
      version: 1,
      publicJwk: { kty: 'EC', crv: 'P-256', x: 'x', y: 'y', kid, alg: 'ES256', use: 'sig' },
      ...((state === 'STANDBY' || state === 'ACTIVE') && { sealed }),
      bootstrap: false,
      createdAt: created,
      ...change,
    };
  }

  function transition(create: readonly SigningKey[], update: readonly SigningKey[] = []): KeyTransition {
    return { create, update, audit: { requestId: randomUUID(), action: 'key.test', reason: 'contract' } };
  }

  function next({ sealed, ...row }: SigningKey, state: KeyState, change: Partial<SigningKey> = {}): SigningKey {
    const keeps = sealed && (state === 'STANDBY' || state === 'ACTIVE');
    return { ...row, ...(keeps && { sealed }), state, version: row.version + 1, ...change };
  }

  async function stateOf(store: SigningKeyStore, { kid }: SigningKey): Promise<KeyState | undefined> {
    const { keys } = await store.load(issuer);
    return keys.find((row) => row.kid === kid)?.state;
  }

  async function withPair(): Promise<{ store: SigningKeyStore; active: SigningKey; standby: SigningKey }> {
    const store = await makeStore();
    const active = key('ACTIVE', { bootstrap: true, publishedAt: created, activatedAt: created });
    const standby = key('STANDBY', { createdAt: created + 1 });
    await store.apply(transition([active, standby]));
    return { store, active, standby };
  }

  describe('SigningKeyStore: rows', () => {
    it('is empty before anything was written', async () => {
      const { keys, replicas } = await (await makeStore()).load(issuer);
      expect({ keys, replicas }).toEqual({ keys: [], replicas: [] });
    });

    it('gives back every member of every row, oldest first', async () => {
      const store = await makeStore();
      const times = { publishedAt: created + 1, activatedAt: created + 2, retiredAt: created + 3 };
      const rows = [
        key('RETIRING', { ...times, lastSignedExp: 1_800_000_900 }),
        key('ACTIVE', { createdAt: created + 5, bootstrap: true }),
        key('STANDBY', { createdAt: created + 9, alg: 'EdDSA' }),
      ];
      await store.apply(transition(rows.toReversed()));
      expect((await store.load(issuer)).keys).toEqual(rows);
    });

    it('has the rows of other issuers to itself', async () => {
      const { store } = await withPair();
      expect((await store.load('https://other.example.com')).keys).toEqual([]);
      await store.apply(transition([key('ACTIVE', { issuer: 'https://other.example.com' })]));
      expect((await store.load('https://other.example.com')).keys).toHaveLength(1);
      expect((await store.load(issuer)).keys).toHaveLength(2);
    });

    it.each<[KeyState, boolean]>([
      ['STANDBY', true],
      ['ACTIVE', true],
      ['RETIRING', true],
      ['SUSPECT', true],
      ['REVOKED', true],
      ['RETIRED', false],
    ])('%s keys are loaded: %s', async (state, loaded) => {
      const store = await makeStore();
      await store.apply(transition([key(state)]));
      expect((await store.load(issuer)).keys).toHaveLength(loaded ? 1 : 0);
    });

    it('replaces the row with its next version, and forgets what the new one has not', async () => {
      const { store, active } = await withPair();
      const retiring = next(active, 'RETIRING', { retiredAt: created + 7 });
      await store.apply(transition([], [retiring]));
      expect((await store.load(issuer)).keys.find(({ kid }) => kid === active.kid)).toEqual(retiring);
    });
  });

  describe('SigningKeyStore: compare-and-swap', () => {
    it.each([0, 1, 3])('refuses version %i of a row of version 1', async (version) => {
      const { store, standby } = await withPair();
      const stale = next(standby, 'STANDBY', { publishedAt: created, version });
      await expect(store.apply(transition([], [stale]))).rejects.toBeInstanceOf(KeyConflict);
      expect((await store.load(issuer)).keys.find(({ kid }) => kid === standby.kid)).toEqual(standby);
    });

    it('refuses an update of a row that is not there', async () => {
      const { store } = await withPair();
      await expect(store.apply(transition([], [next(key('RETIRING'), 'RETIRED')]))).rejects.toBeInstanceOf(KeyConflict);
    });

    it('lets one of ten that want the same step have it', async () => {
      const { store, active, standby } = await withPair();
      const attempts = Array.from({ length: 10 }, () =>
        store.apply(transition([key('STANDBY')], [next(active, 'RETIRING'), next(standby, 'ACTIVE')])),
      );
      const outcomes = await Promise.allSettled(attempts);
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(KeyConflict);
      }
      const states = (await store.load(issuer)).keys.map(({ state }) => state);
      expect(states.toSorted()).toEqual(['ACTIVE', 'RETIRING', 'STANDBY']);
    });

    it('lets one of ten that start an issuer at once have it', async () => {
      const store = await makeStore();
      const outcomes = await Promise.allSettled(
        Array.from({ length: 10 }, () => store.apply(transition([key('ACTIVE'), key('STANDBY')]))),
      );
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect((await store.load(issuer)).keys).toHaveLength(2);
    });
  });

  describe('SigningKeyStore: one of each', () => {
    it.each<KeyState>(['ACTIVE', 'STANDBY'])(
      'refuses a second %s key of the same issuer and algorithm',
      async (state) => {
        const { store } = await withPair();
        await expect(store.apply(transition([key(state)]))).rejects.toBeInstanceOf(KeyConflict);
        await store.apply(transition([key(state, { alg: 'RS256' })]));
        expect((await store.load(issuer)).keys).toHaveLength(3);
      },
    );

    it('promotes the spare and takes in the next one in the same step', async () => {
      const { store, active, standby } = await withPair();
      const fresh = key('STANDBY', { createdAt: created + 2 });
      await store.apply(transition([fresh], [next(standby, 'ACTIVE'), next(active, 'RETIRING')]));
      expect(await stateOf(store, active)).toBe('RETIRING');
      expect(await stateOf(store, standby)).toBe('ACTIVE');
      expect(await stateOf(store, fresh)).toBe('STANDBY');
    });

    it('refuses a private part where none may be, and none where one must be', async () => {
      const { store, active } = await withPair();
      const { sealed = { kekId: '', version: 1, wrappedKey: '', ciphertext: '' } } = active;
      await expect(store.apply(transition([], [next(active, 'RETIRING', { sealed })]))).rejects.toThrow();
      const { sealed: _, ...bare } = key('STANDBY', { alg: 'RS256' });
      await expect(store.apply(transition([bare]))).rejects.toThrow();
      expect((await store.load(issuer)).keys).toHaveLength(2);
    });
  });

  describe('SigningKeyStore: all or nothing', () => {
    it('writes no row where the last of them is refused', async () => {
      const { store, active, standby } = await withPair();
      const refused = transition(
        [key('RETIRING'), { ...key('RETIRING'), kid: active.kid }],
        [next(active, 'RETIRING')],
      );
      await expect(store.apply(refused)).rejects.toBeInstanceOf(KeyConflict);
      const { keys } = await store.load(issuer);
      expect(keys.toSorted((a, b) => a.createdAt - b.createdAt)).toEqual([active, standby]);
    });
  });

  describe('SigningKeyStore: tombstones', () => {
    it.each<KeyState>(['RETIRED', 'REVOKED', 'RETIRING'])('refuses the kid of a key that is %s', async (state) => {
      const store = await makeStore();
      const old = key(state);
      await store.apply(transition([old]));
      const reused = { ...key('STANDBY'), kid: old.kid };
      await expect(store.apply(transition([reused]))).rejects.toBeInstanceOf(KeyConflict);
      await expect(
        store.apply(transition([{ ...reused, issuer: 'https://other.example.com' }])),
      ).rejects.toBeInstanceOf(KeyConflict);
    });

    it.each<KeyState>(['RETIRING', 'SUSPECT', 'RETIRED'])('never lets a revoked key become %s', async (state) => {
      const store = await makeStore();
      const revoked = key('REVOKED');
      await store.apply(transition([revoked]));
      await expect(store.apply(transition([], [next(revoked, state)]))).rejects.toBeInstanceOf(KeyConflict);
      expect(await stateOf(store, revoked)).toBe('REVOKED');
    });
  });

  describe('SigningKeyStore: last exp', () => {
    async function lastSignedExp(store: SigningKeyStore, { kid }: SigningKey): Promise<number | undefined> {
      return (await store.load(issuer)).keys.find((row) => row.kid === kid)?.lastSignedExp;
    }

    it('is raised and never lowered', async () => {
      const { store, active } = await withPair();
      for (const [exp, expected] of [
        [1000, 1000],
        [900, 1000],
        [1000, 1000],
        [1100, 1100],
      ] as const) {
        await store.recordSigned(active.kid, exp);
        expect(await lastSignedExp(store, active)).toBe(expected);
      }
    });

    it('may be beyond 2038', async () => {
      const in2040 = 2_208_988_800;
      const { store, active } = await withPair();
      await store.recordSigned(active.kid, in2040);
      expect(await lastSignedExp(store, active)).toBe(in2040);
      await store.recordSigned(active.kid, in2040 - 1);
      expect(await lastSignedExp(store, active)).toBe(in2040);
    });

    it('is the highest of those recorded at the same time', async () => {
      const { store, active } = await withPair();
      await Promise.all([1003, 1009, 1001, 1007].map((exp) => store.recordSigned(active.kid, exp)));
      expect(await lastSignedExp(store, active)).toBe(1009);
    });

    it('does not count as a change of the row, and no change of the row undoes it', async () => {
      const { store, active } = await withPair();
      await store.recordSigned(active.kid, 1000);
      await store.apply(transition([], [next(active, 'RETIRING')]));
      expect(await lastSignedExp(store, active)).toBe(1000);
    });

    it.each<KeyState>(['STANDBY', 'RETIRING', 'SUSPECT', 'RETIRED', 'REVOKED'])(
      'is refused for a key that is %s: it must not sign',
      async (state) => {
        const store = await makeStore();
        const row = key(state);
        await store.apply(transition([row]));
        await expect(store.recordSigned(row.kid, 1000)).rejects.toBeInstanceOf(KeyConflict);
        expect(await lastSignedExp(store, row)).toBeUndefined();
      },
    );

    it('is refused for a key that is not there', async () => {
      const store = await makeStore();
      await expect(store.recordSigned('nobody', 1000)).rejects.toBeInstanceOf(KeyConflict);
    });
  });

  describe('SigningKeyStore: replicas', () => {
    const report = { issuer, replica: 'one', jwksVersion: '"a"', kids: ['k1'], algs: ['ES256'], servingSeconds: 1.5 };

    it('keeps the last report of each, at the time the store took it', async () => {
      const store = await makeStore();
      const before = (await store.load(issuer)).now;
      await store.reportServed(report);
      await store.reportServed({
        ...report,
        jwksVersion: '"b"',
        kids: ['k1', 'k2'],
        algs: ['ES256', 'RS256'],
        servingSeconds: 3,
      });
      await store.reportServed({ ...report, replica: 'two', kids: [] });
      await store.reportServed({ ...report, issuer: 'https://other.example.com', replica: 'three' });
      const { now, replicas } = await store.load(issuer);
      const sorted = replicas.toSorted((a, b) => (a.replica < b.replica ? -1 : 1));
      expect(sorted).toMatchObject([
        { replica: 'one', jwksVersion: '"b"', kids: ['k1', 'k2'], algs: ['ES256', 'RS256'], servingSeconds: 3 },
        { replica: 'two', jwksVersion: '"a"', kids: [], algs: ['ES256'], servingSeconds: 1.5 },
      ]);
      for (const { reportedAt } of replicas) {
        expect(reportedAt).toBeGreaterThanOrEqual(before);
        expect(reportedAt).toBeLessThanOrEqual(now);
      }
    });

    it('forgets a replica that withdraws, and nobody else', async () => {
      const store = await makeStore();
      await store.reportServed(report);
      await store.reportServed({ ...report, replica: 'two' });
      await store.withdraw(issuer, 'one');
      await store.withdraw(issuer, 'never seen');
      expect((await store.load(issuer)).replicas.map(({ replica }) => replica)).toEqual(['two']);
    });
  });

  describe('SigningKeyStore: clock', () => {
    it('tells the store’s own time in milliseconds, which does not go back', async () => {
      const store = await makeStore();
      const first = (await store.load(issuer)).now;
      const second = (await store.load(issuer)).now;
      expect(Number.isFinite(first)).toBe(true);
      expect(second).toBeGreaterThanOrEqual(first);
      expect(first).toBeGreaterThan(1_500_000_000_000);
    });
  });
}
