/** What the implementations of this library's ports are held to. */
export { assertionIdsContract } from './clients/assertion-ids.contract.ts';
export { revocationStoreContract } from './revocation/revocation-store.contract.ts';
