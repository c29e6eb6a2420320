/**
 * Keys and signatures as both sides must read them: one strict reading of a compact JWS, the JWK sanitiser, the JWKS
 * manager, signature verification and the checks of a token's times. Owns no other claim rule: what a token must say is
 * the business of its verifier.
 */
export { JwsError, parseCompactJws, type CompactJws } from './compact-jws.ts';
export { httpGet, type HttpAnswer, type HttpGet } from './http-get.ts';
export { JwksManager, JwksUnavailable, type JwksEvent } from './jwks-manager.ts';
export { verificationKey, type VerificationKey } from './public-key.ts';
export { hasEnded, readTokenTimes, TokenTimeError, type TimeProblem } from './token-times.ts';
export { verifySignature } from './signature.ts';
