/**
 * `answer`: the request is complete, its answer is not. `answered`: the answer is complete, but the caller has not
 * received all of it. `closing`: the same for the last answer. `lingering`: the last answer was received, and nothing
 * more is sent.
 */
export type Phase = 'fresh' | 'idle' | 'head' | 'body' | 'answer' | 'answered' | 'closing' | 'lingering';

/** In milliseconds. */
export interface Http1Timeouts {
  /** Until a head is complete. */
  headMs: number;
  /** Until a request is complete, including its body. The duration of an answer is not limited. */
  requestMs: number;
  /** For an idle connection. */
  idleMs: number;
  /** Until the caller has received a complete answer. */
  stalledMs: number;
}

/** How long a closing connection is still read, so that a reset does not destroy its last answer (RFC 9112 §9.6). */
const lingerMs = 2_000;

/** How long a connection may be in a phase, in milliseconds. */
export function limitOf(phase: Phase, { headMs, requestMs, idleMs, stalledMs }: Http1Timeouts): number {
  switch (phase) {
    case 'fresh':
    case 'head':
      return headMs;
    case 'body':
      return requestMs;
    case 'answer':
      return Infinity;
    case 'answered':
    case 'closing':
      return stalledMs;
    case 'idle':
      return idleMs;
    case 'lingering':
      return lingerMs;
  }
}
