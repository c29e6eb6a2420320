/**
 * What `npm start` and the suites run against where a real part cannot be had on the machine: an identity provider with
 * Keycloak's realm and tokens, and a model server with KServe's protocols over a real classifier. Each says what it is when it
 * starts. It does not own what a part promises (`real-parts`), nor who chooses between the two (`dev-stack`).
 */
export { identityProvider } from './identity-provider.ts';
export { oipServer } from './oip-server.ts';
