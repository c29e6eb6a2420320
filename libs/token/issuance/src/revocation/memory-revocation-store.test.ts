import { MemoryRevocationStore } from './memory-revocation-store.ts';
import { revocationStoreContract } from './revocation-store.contract.ts';

revocationStoreContract(async () => new MemoryRevocationStore());
