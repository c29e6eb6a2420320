/** What holds of a part and of its stand-in alike. */
export { modelServerContract } from './kserve/model-server.contract.ts';
export { realmContract } from './keycloak/realm.contract.ts';
