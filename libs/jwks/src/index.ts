/**
 * Keys and signatures as both sides must read them: one strict reading of a compact JWS, the JWK sanitiser, the JWKS
 * manager and signature verification. Owns no claim rule: what a token must say is the business of its verifier.
 */
export { parseCompactJws, JwsError, type CompactJws } from './compact-jws.ts';
