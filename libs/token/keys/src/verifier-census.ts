import type { JwksReader } from './jwks-readers.ts';
import { livenessSeconds, type KeySchedule } from './key-schedule.ts';
import { refreshSeconds, verifierPresets, type VerifierClass } from './verifier-class.ts';

/** One reader of the JWKS, and whether it is a verifier as the schedule declares them. */
export interface CensusEntry extends Omit<JwksReader, 'readAt'> {
  /** Milliseconds on the database's clock. */
  lastReadAt: number;
  /** Seconds from one reading to the next; absent before there are two. */
  everySeconds?: number;
  warning?: string;
}

/**
 * A verifier that reads the JWKS less often than the slowest that is declared refuses tokens after a rotation, and nothing
 * but its requests says so. One long interval says nothing: whoever was stopped over the weekend has one, and so has a reader
 * whose requests went to a replica that crashed. Two in a row do.
 *
 * @param now milliseconds on the database's clock
 */
export function takeCensus(readers: readonly JwksReader[], schedule: KeySchedule, now: number): CensusEntry[] {
  const declared = slowestDeclared(schedule);
  // By then every live replica has told of its requests: what came later may have a gap that is none.
  const told = now - livenessSeconds(schedule) * 1000;
  return readers.map(({ readAt, ...reader }) => {
    const judged = lastingInterval(
      readAt.filter((at) => at <= told),
      declared.seconds,
    );
    const everySeconds = judged ?? meanInterval(readAt);
    const slow = judged !== undefined && judged > tolerated(declared, schedule) && !readsAtNeed(reader.userAgent);
    return {
      ...reader,
      lastReadAt: readAt.at(-1) ?? 0,
      ...(everySeconds !== undefined && { everySeconds }),
      ...(slow && { warning: warning(judged, declared) }),
    };
  });
}

interface Declared {
  name: string;
  /** Infinity where one reads for an unknown kid alone: then how often somebody reads says nothing. */
  seconds: number;
}

function slowestDeclared({ jwksMaxAgeSeconds, verifiers = [] }: KeySchedule): Declared {
  let slowest: Declared = { name: 'JWKS max-age', seconds: jwksMaxAgeSeconds };
  for (const verifier of verifiers) {
    const atNeedAlone = verifier.keepsRemovedSeconds === Number.POSITIVE_INFINITY;
    const seconds = atNeedAlone ? Number.POSITIVE_INFINITY : refreshSeconds(verifier, jwksMaxAgeSeconds);
    if (seconds > slowest.seconds) slowest = { name: verifier.name, seconds };
  }
  return slowest;
}

/** Timers are late and networks slow. The lead time has room for the skew, so that nobody is refused within it. */
function tolerated({ seconds }: Declared, { skewSeconds }: KeySchedule): number {
  return seconds + Math.max(1, skewSeconds);
}

/** Libraries that read when a token needs it: they wait for as long as nobody comes, and a new kid does not wait for them. */
function readsAtNeed(userAgent: string): boolean {
  return Object.values<VerifierClass>(verifierPresets).some(
    (verifier) =>
      verifier.refetchesUnknownKid && verifier.userAgent !== undefined && userAgent.startsWith(verifier.userAgent),
  );
}

/** The shorter of the last two intervals, in seconds. Readings in quick succession, of several threads at once, are one. */
function lastingInterval(readAt: readonly number[], declaredSeconds: number): number | undefined {
  const closeMs = Math.min(60, declaredSeconds / 10) * 1000;
  const apart = readAt.filter((at, index) => index === 0 || at - (readAt[index - 1] ?? 0) > closeMs);
  const [first, second, third] = apart.slice(-3);
  if (first === undefined || second === undefined || third === undefined) return undefined;
  return Math.min(second - first, third - second) / 1000;
}

function meanInterval(readAt: readonly number[]): number | undefined {
  const [first, last] = [readAt[0], readAt.at(-1)];
  if (first === undefined || last === undefined || last === first) return undefined;
  return (last - first) / (readAt.length - 1) / 1000;
}

function warning(everySeconds: number, { name, seconds }: Declared): string {
  return `reads every ${Math.round(everySeconds)} s; the slowest verifier that is declared, ${name}, every ${seconds} s: it may refuse tokens after a rotation`;
}
