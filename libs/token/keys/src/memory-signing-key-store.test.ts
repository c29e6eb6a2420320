import { SystemClock } from '@modelgate/oauth';
import { MemorySigningKeyStore } from './memory-signing-key-store.ts';
import { signingKeyStoreContract } from './signing-key-store.contract.ts';

signingKeyStoreContract(() => Promise.resolve(new MemorySigningKeyStore(new SystemClock())));
