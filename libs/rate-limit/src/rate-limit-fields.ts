import type { Limit, LimitVerdict } from './limit.ts';

/**
 * The RateLimit fields of draft-ietf-httpapi-ratelimit-headers, and `Retry-After` (RFC 9110 §10.2.3) on a refusal:
 * `RateLimit-Policy: "name";q=600;w=60` and `RateLimit: "name";r=599;t=1`. Seconds are rounded up: whoever waits for as
 * long as it says has waited long enough.
 */
export function rateLimitFields(limit: Limit, verdict: LimitVerdict, policyName: string): Record<string, string> {
  const name = structuredString(policyName);
  const retryAfter = Math.max(1, Math.ceil(verdict.retryAfterSeconds));
  const reset = verdict.allowed ? Math.ceil(verdict.resetSeconds) : retryAfter;
  return {
    'RateLimit-Policy': `${name};q=${limit.quota};w=${limit.windowSeconds}`,
    RateLimit: `${name};r=${verdict.remaining};t=${reset}`,
    ...(!verdict.allowed && { 'Retry-After': String(retryAfter) }),
  };
}

/** A String of RFC 9651 §3.3.3: printable ASCII, with `"` and `\` escaped. */
function structuredString(text: string): string {
  return `"${text.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')}"`;
}
