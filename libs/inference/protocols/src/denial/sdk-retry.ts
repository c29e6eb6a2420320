import type { Denial, DenialReason } from './denial.ts';

/** Longer waits than this are not kept by OpenAI's libraries: they come back after half a second instead. */
const longestWaitSeconds = 60;

/** The model may have done the work, or still be at it: asked again, it does it again. */
const perhapsDone: ReadonlySet<DenialReason> = new Set(['upstream_broken', 'upstream_answer', 'upstream_timeout']);

/** Whether trying again by itself does a client no good. */
function isUseless({ reason, retryAfterSeconds = 0 }: Denial): boolean {
  return perhapsDone.has(reason) || retryAfterSeconds > longestWaitSeconds;
}

/**
 * What the libraries of OpenAI and Anthropic are told about trying again. By themselves they retry on 408, 409, 429 and
 * every 5xx, and never on 401; with an expired token they are to ask for a fresh one and come back at once.
 */
export function retryFields(denial: Denial): Readonly<Record<string, string>> {
  // Not 0, which Anthropic's takes for no time at all and waits for half a second.
  if (denial.reason === 'token_expired') return { 'x-should-retry': 'true', 'retry-after-ms': '10' };
  return isUseless(denial) ? { 'x-should-retry': 'false' } : {};
}

/** What clients of gRPC are told about it (gRFC A6); KServe's own makes a call that was UNAVAILABLE three times by itself. */
export function retryPushback(denial: Denial): Readonly<Record<string, string>> {
  if (isUseless(denial)) return { 'grpc-retry-pushback-ms': '-1' };
  const { status, retryAfterSeconds = 1 } = denial;
  return status === 429 || status === 503 ? { 'grpc-retry-pushback-ms': String(retryAfterSeconds * 1000) } : {};
}
