import { maxLimitCount, maxLimitProduct } from './bounds.ts';
import { DurationError, parseDuration } from './duration.ts';

/** A rate limit: `quota` requests in every `windowSeconds`, of which up to `burst` may come at once. */
export interface Limit {
  /** At least 1. */
  quota: number;
  windowSeconds: number;
  /** Defaults to `quota`. */
  burst?: number;
}

/** A limit that is not of the form `600/1m`, or whose figures are out of range. */
export class LimitError extends Error {
  override readonly name = 'LimitError';
}

const grammar = `a limit is written like 600/1m or 10/1s: a quota from 1 to ${maxLimitCount} and a window of at least 1s`;

/**
 * Reads `600/1m`: so many requests in every such window, all of which may come at once.
 *
 * @throws LimitError for anything else, nought requests or an empty window included, and for what cannot be counted exactly
 */
export function parseLimit(text: string): Limit {
  const [, quota = '', window = ''] = /^([1-9]\d{0,8})\/([0-9dhms]{2,40})$/.exec(text) ?? [];
  const windowSeconds = seconds(window);
  if (quota === '' || windowSeconds < 1) throw new LimitError(grammar);
  const limit = { quota: Number(quota), windowSeconds };
  const problem = limitProblem(limit);
  if (problem !== undefined) throw new LimitError(`${grammar}; ${problem}`);
  return limit;
}

/** What is wrong with the figures of a limit, with their range; undefined where every store can count it. */
export function limitProblem({ quota, windowSeconds, burst = quota }: Limit): string | undefined {
  const whole = [quota, windowSeconds, burst].every((figure) => Number.isSafeInteger(figure) && figure > 0);
  if (!whole || quota > maxLimitCount || burst > maxLimitCount) {
    return `quota and burst of a limit are whole numbers from 1 to ${maxLimitCount}, its window at least one second`;
  }
  if (burst * windowSeconds <= maxLimitProduct) return undefined;
  const most = Math.floor(maxLimitProduct / windowSeconds);
  return (
    `burst (the quota, unless it is written) times the window in seconds is at most ${maxLimitProduct}; ` +
    (most > 0 ? `with a window of ${windowSeconds} s that is a burst of ${most}` : 'the window alone is longer')
  );
}

function seconds(window: string): number {
  try {
    return parseDuration(window);
  } catch (error) {
    if (error instanceof DurationError) return 0;
    throw error;
  }
}
