/** What the implementations of this library's ports are held to. */
export { assertionIdsContract } from './assertion-ids.contract.ts';
export { revocationStoreContract } from './revocation-store.contract.ts';
