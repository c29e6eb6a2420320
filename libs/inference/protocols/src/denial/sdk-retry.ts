import type { Denial, DenialReason } from './denial.ts';

/** OpenAI's libraries ignore a longer wait and retry after half a second instead. */
const longestWaitSeconds = 60;

/** The model may have processed the request, or may still be processing it. A retry would repeat the work. */
const perhapsDone: ReadonlySet<DenialReason> = new Set(['upstream_broken', 'upstream_answer', 'upstream_timeout']);

/** Whether an automatic retry cannot help. */
function isUseless({ reason, retryAfterSeconds = 0 }: Denial): boolean {
  return perhapsDone.has(reason) || retryAfterSeconds > longestWaitSeconds;
}

/**
 * Retry hints for the libraries of OpenAI and Anthropic. By default they retry on 408, 409, 429 and every 5xx, and
 * never on 401. With an expired token they should fetch a new one and retry immediately.
 */
export function retryFields(denial: Denial): Readonly<Record<string, string>> {
  // Not 0, which Anthropic's library treats as absent and replaces by half a second.
  if (denial.reason === 'token_expired') return { 'x-should-retry': 'true', 'retry-after-ms': '10' };
  return isUseless(denial) ? { 'x-should-retry': 'false' } : {};
}

/** Retry hint for gRPC clients (gRFC A6). KServe's own client makes an UNAVAILABLE call three times by default. */
export function retryPushback(denial: Denial): Readonly<Record<string, string>> {
  if (isUseless(denial)) return { 'grpc-retry-pushback-ms': '-1' };
  const { status, retryAfterSeconds = 1 } = denial;
  return status === 429 || status === 503 ? { 'grpc-retry-pushback-ms': String(retryAfterSeconds * 1000) } : {};
}
