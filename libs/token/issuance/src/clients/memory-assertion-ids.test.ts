import { assertionIdsContract } from './assertion-ids.contract.ts';
import { MemoryAssertionIds } from './memory-assertion-ids.ts';

assertionIdsContract(async () => new MemoryAssertionIds());
