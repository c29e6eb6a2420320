import { MemoryModelStore } from './memory-model-store.ts';
import { modelStoreContract } from './model-store.contract.ts';

modelStoreContract(() => {
  const store = new MemoryModelStore(() => 1_800_000_000_000);
  return Promise.resolve({ store, audited: () => Promise.resolve(store.audited) });
});
