/**
 * The one verifier of model tokens: canonical spelling, signature, claim rules, verified-token cache, revocation view.
 * Owns what makes a model token acceptable. What it permits is decided in `inference`.
 */
export { RevocationView, type ModelToken } from './model-token.ts';
