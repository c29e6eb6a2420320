import type { Limit } from '@modelgate/core';
import type { LimitVerdict } from './limit.ts';

/**
 * The RateLimit fields of draft-ietf-httpapi-ratelimit-headers, and `Retry-After` (RFC 9110 §10.2.3) on a refusal:
 * `RateLimit-Policy: "name";q=600;w=60` and `RateLimit: "name";r=599;t=1`. Seconds are rounded up, so waiting for the
 * stated time is always enough.
 */
export function rateLimitFields(limit: Limit, verdict: LimitVerdict, policyName: string): Record<string, string> {
  const { name, policy } = spelt(limit, policyName);
  const retryAfter = Math.max(1, Math.ceil(verdict.retryAfterSeconds));
  const reset = verdict.allowed ? Math.ceil(verdict.resetSeconds) : retryAfter;
  return {
    'RateLimit-Policy': policy,
    RateLimit: `${name};r=${verdict.remaining};t=${reset}`,
    ...(!verdict.allowed && { 'Retry-After': String(retryAfter) }),
  };
}

/** The same values in the fields of OpenAI's own service, which its tools read: `x-ratelimit-reset-requests: 1s`. */
export function openaiLimitFields(limit: Limit, verdict: LimitVerdict): Record<string, string> {
  const reset = verdict.allowed ? verdict.resetSeconds : verdict.retryAfterSeconds;
  return {
    'x-ratelimit-limit-requests': String(limit.quota),
    'x-ratelimit-remaining-requests': String(verdict.remaining),
    'x-ratelimit-reset-requests': `${Math.ceil(reset)}s`,
  };
}

interface Spelling {
  policyName: string;
  name: string;
  policy: string;
}

/** Limits are immutable, and consecutive requests pass the same object. */
const spellings = new WeakMap<Limit, Spelling>();

function spelt(limit: Limit, policyName: string): Spelling {
  const known = spellings.get(limit);
  if (known?.policyName === policyName) return known;
  const name = structuredString(policyName);
  const spelling = { policyName, name, policy: `${name};q=${limit.quota};w=${limit.windowSeconds}` };
  spellings.set(limit, spelling);
  return spelling;
}

/** A String of RFC 9651 §3.3.3: printable ASCII, with `"` and `\` escaped. */
function structuredString(text: string): string {
  return `"${text.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')}"`;
}
