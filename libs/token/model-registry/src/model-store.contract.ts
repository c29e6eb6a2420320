import type { AuditEvent } from '@modelgate/audit';
import { describe, expect, it } from 'vitest';
import type { ModelChange, ModelStore } from './model-store.ts';

/** An empty store, and what it has written to the audit log about models. */
export interface StoreUnderTest {
  store: ModelStore;
  audited(): Promise<readonly AuditEvent[]>;
}

const by = { actor: 'keycloak|carol', reason: 'a new model', requestId: 'request-1' };
const put = (model: string, upstream = 'http://127.0.0.1:8080'): ModelChange => ({
  model,
  entry: { model, upstream, protocols: ['v1'] },
  ...by,
});
const take = (model: string): ModelChange => ({ model, entry: undefined, ...by });
const anything = () => undefined;

/** What every ModelStore must do. */
export function modelStoreContract(makeStore: () => Promise<StoreUnderTest>): void {
  describe('ModelStore', () => {
    it('is empty before anything was registered', async () => {
      const { store } = await makeStore();
      expect((await store.list()).models).toEqual([]);
      expect(await store.find('fraud/iris')).toBeUndefined();
    });

    it('gives back what was written, member by member, with who wrote it', async () => {
      const { store } = await makeStore();
      const entry = {
        model: 'fraud/iris',
        upstream: ['http://a', 'http://b'],
        protocols: ['v1', 'openai'],
        aliases: [{ alias: 'v2', servedName: 'iris:ü' }],
        maxBodyBytes: 2 ** 40,
      };
      const written = await store.change({ model: 'fraud/iris', entry, ...by }, anything);
      expect(written).toEqual({
        entry,
        version: expect.any(Number) as number,
        changedAt: expect.any(Number) as number,
        changedBy: 'keycloak|carol',
      });
      expect(await store.find('fraud/iris')).toEqual(written);
      expect((await store.list()).models).toEqual([written]);
    });

    it('lists models by name', async () => {
      const { store } = await makeStore();
      for (const model of ['b/a', 'a/b', 'a-b/c', 'a/a']) await store.change(put(model), anything);
      const names = (await store.list()).models.map(({ entry }) => entry.model);
      expect(names).toEqual(['a-b/c', 'a/a', 'a/b', 'b/a']);
    });

    it('gives each change a version of its own, also where a model comes back', async () => {
      const { store } = await makeStore();
      const versions = new Set<number | undefined>();
      versions.add((await store.change(put('fraud/a'), anything))?.version);
      versions.add((await store.change(put('fraud/b'), anything))?.version);
      versions.add((await store.change(put('fraud/a', 'http://other'), anything))?.version);
      await store.change(take('fraud/a'), anything);
      versions.add((await store.change(put('fraud/a'), anything))?.version);
      expect(versions.size).toBe(4);
      expect((await store.find('fraud/a'))?.version).toBe(Math.max(...[...versions].map(Number)));
    });

    it('has one version for one list: another after every change, and the same one in between', async () => {
      const { store } = await makeStore();
      const listOf = new Map<string, unknown>();
      let last = '';
      const look = async () => {
        const { version, models } = await store.list();
        expect(version).not.toBe(last);
        expect(await store.version()).toBe(version);
        expect(listOf.get(version) ?? models).toEqual(models);
        listOf.set(version, models);
        last = version;
      };
      await look();
      const puts = [put('a/a'), put('a/b'), put('a/c')];
      const changes = [...puts, take('a/c'), put('a/c'), take('a/a'), put('a/b', 'http://x'), take('a/c'), take('a/b')];
      for (const change of changes) {
        await store.change(change, anything);
        await look();
      }
      expect(listOf.size).toBeGreaterThan(changes.length / 2);
    });

    it('takes a model away, once, and says what it was', async () => {
      const { store } = await makeStore();
      const written = await store.change(put('fraud/iris'), anything);
      expect(await store.change(take('fraud/iris'), anything)).toEqual(written);
      expect(await store.change(take('fraud/iris'), anything)).toBeUndefined();
      expect(await store.find('fraud/iris')).toBeUndefined();
    });

    it('writes one audit event with each change, and none where there was nothing to take away', async () => {
      const { store, audited } = await makeStore();
      await store.change(put('fraud/iris'), anything);
      const both = { model: 'fraud/iris', upstream: ['https://b:8443', 'https://c:8443'], protocols: ['v1'] };
      await store.change({ model: 'fraud/iris', entry: both, ...by }, anything);
      await store.change(take('fraud/iris'), anything);
      await store.change(take('fraud/iris'), anything);
      const events = (await audited()).map(({ at, reason, ...event }) => {
        expect(at).toBeGreaterThan(0);
        expect(reason).toMatch(/^version \d+.*: a new model$/);
        return event;
      });
      const common = { outcome: 'done', model: 'fraud/iris', actor: 'keycloak|carol', requestId: 'request-1' };
      expect(events).toEqual([
        { action: 'model.register', ...common },
        { action: 'model.replace', ...common },
        { action: 'model.delete', ...common },
      ]);
      expect((await audited())[1]?.reason).toContain(' at https://b:8443 https://c:8443: ');
    });

    it('shows the judge what there is, and neither writes nor audits what it refuses', async () => {
      const { store, audited } = await makeStore();
      await store.change(put('fraud/a'), anything);
      const before = await store.list();
      const refusal = new Error('no');
      const refuse = (registered: readonly unknown[]) => {
        expect(registered).toEqual(before.models);
        throw refusal;
      };
      await expect(store.change(put('fraud/b'), refuse)).rejects.toBe(refusal);
      await expect(store.change(take('fraud/a'), refuse)).rejects.toBe(refusal);
      expect(await store.list()).toEqual(before);
      expect(await audited()).toHaveLength(1);
    });

    it('lets nothing come between what a judge sees and what is written', async () => {
      const { store, audited } = await makeStore();
      const onlyOne = (registered: readonly unknown[]) => {
        if (registered.length > 0) throw new Error('there is one already');
      };
      const names = Array.from({ length: 12 }, (_, index) => `fraud/m${index}`);
      const results = await Promise.allSettled(names.map((name) => store.change(put(name), onlyOne)));
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect((await store.list()).models).toHaveLength(1);
      expect(await audited()).toHaveLength(1);
    });
  });
}
