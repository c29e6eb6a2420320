/**
 * Sizes, counts and ranges that two sides must agree on, each with who they are. Whatever one side accepts as configuration
 * or issues must be within what the other side takes.
 */

/** The token service signs no longer model token, and gateways parse no longer one. Characters of the compact JWS. */
export const maxModelTokenLength = 16_384;

/** A gateway takes no longer head of a request, on HTTP/1 and HTTP/2; callers send the longest model token within it. */
export const maxRequestHeadBytes = 2 * maxModelTokenLength;

/** No policy grants, no request asks for and no verifier reads more combinations of model and verb in one token. */
export const maxScopeTokens = 128;

/** The token service puts no longer `sub`, `client_id`, `jti` or `policy` into a token, and verifiers accept no longer one. */
export const maxClaimLength = 1024;

/** Policies and the token service allow a token no longer life; a gateway accepts that life unless it is told otherwise. */
export const maxTokenLifeSeconds = 3600;

/** Clocks of verifiers may be off by no more; the token service lists a revoked token for as long past its `exp`. */
export const maxClockSkewSeconds = 300;

/** A key schedule publishes no more keys at a time, and verifiers take no more from a JWKS. */
export const maxJwksKeys = 50;

/** Verifiers read no longer JWKS; {@link maxJwksKeys} RSA keys of 8192 bits, the largest that are taken, are within it. */
export const maxJwksBytes = 256 * 1024;

/** The token service publishes no longer list of revocations, limits or registered models, and gateways read no longer one. */
export const maxFeedBytes = 16 * 1024 * 1024;

/** An access file has no more policies, so that the limits of all of them are within {@link maxFeedBytes}. */
export const maxPolicies = 50_000;

/** Policies have no higher version: the audit log stores it, tokens carry it and gateways read it from JSON. */
export const maxPolicyVersion = Number.MAX_SAFE_INTEGER;

/** No limit of a policy or of a gateway has a higher quota or burst, and every store of counters takes that. */
export const maxLimitCount = 999_999_999;

/** Burst times window in seconds of a limit: what gateways and Redis still count exactly, in thousandths, with room to add. */
export const maxLimitProduct = Math.floor(Number.MAX_SAFE_INTEGER / 2 / 1000);
