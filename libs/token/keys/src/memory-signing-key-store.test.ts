import { MemorySigningKeyStore } from './memory-signing-key-store.ts';
import { signingKeyStoreContract } from './signing-key-store.contract.ts';
import { SystemClock } from '@modelgate/core';

signingKeyStoreContract(() => Promise.resolve(new MemorySigningKeyStore(new SystemClock())));
