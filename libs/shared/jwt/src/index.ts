/**
 * Keys and signatures as both sides must read them: one strict reading of a compact JWS, the JWK sanitiser, the JWKS
 * manager and signature verification. Owns no claim rule: what a token must say is the business of its verifier.
 */
export { JwsError, parseCompactJws, type CompactJws } from './compact-jws.ts';
export { httpGet, type HttpAnswer, type HttpGet } from './http-get.ts';
export { JwksManager, JwksUnavailable, type JwksEvent } from './jwks-manager.ts';
export { verificationKey, type VerificationKey } from './public-key.ts';
export { verifySignature } from './signature.ts';
