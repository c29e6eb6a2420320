import type { Limit } from './limit.ts';
import { DurationError, parseDuration } from '@modelgate/core';

/** A limit that is not of the form `600/1m`. */
export class LimitSyntaxError extends Error {
  override readonly name = 'LimitSyntaxError';
}

/**
 * Reads `600/1m`: so many units in every such window, all of which may be taken at once.
 *
 * @throws LimitSyntaxError for anything else, nought units or an empty window included
 */
export function parseLimit(text: string): Limit {
  const [, quota = '', window = ''] = /^([1-9]\d{0,8})\/([0-9dhms]{2,40})$/.exec(text) ?? [];
  const windowSeconds = seconds(window);
  if (quota === '' || windowSeconds < 1) throw new LimitSyntaxError('a limit is written like 600/1m or 10/1s');
  return { quota: Number(quota), windowSeconds };
}

/**
 * The counter of one subject on one model under one policy. Each part is preceded by its length, so that no choice of
 * names makes two of them meet.
 *
 * @param policy undefined where the token names none
 */
export function limitKey(policy: string | undefined, subject: string, model: string): string {
  const named = policy === undefined ? '-' : `${policy.length}:${policy}`;
  return `${named}|${subject.length}:${subject}|${model}`;
}

function seconds(window: string): number {
  try {
    return parseDuration(window);
  } catch (error) {
    if (error instanceof DurationError) return 0;
    throw error;
  }
}
