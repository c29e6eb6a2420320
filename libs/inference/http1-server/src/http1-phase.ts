/**
 * `answer`: the request is whole, its answer is not. `answered`: the answer is, and its caller is still to take it.
 * `closing`: so is the last one. `lingering`: that has been taken, and nothing more is said.
 */
export type Phase = 'fresh' | 'idle' | 'head' | 'body' | 'answer' | 'answered' | 'closing' | 'lingering';

/** In milliseconds, all of them. */
export interface Http1Timeouts {
  /** Until a head is whole. */
  headMs: number;
  /** Until a request is there with its body; an answer may take as long as it takes. */
  requestMs: number;
  /** Of a connection on which nothing is under way. */
  idleMs: number;
  /** Until a caller has taken an answer that is whole. */
  stalledMs: number;
}

/** How long a connection that closes is read from, so that its last answer is not lost to a reset (RFC 9112 §9.6). */
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
