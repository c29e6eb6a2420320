import { DurationError, formatDuration, parseDuration } from '@modelgate/core';
import { z } from 'zod';

/** A DNS-1123 label, so that a name needs no quoting in a URL, a header, a log line or a Kubernetes object. */
export const dnsName = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'a name has lower-case letters, digits and hyphens, at most 63');

/** A duration such as `15m`, read as seconds between the bounds. */
export function durationSeconds({ min = 0, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number } = {}) {
  return z.string().transform((text, context) => {
    const seconds = read(text);
    if (seconds !== undefined && seconds >= min && seconds <= max) return seconds;
    context.addIssue({ code: 'custom', message: seconds === undefined ? spelling : bounds(min, max) });
    return z.NEVER;
  });
}

const spelling = 'a duration is written like 15m, 1h10s or 7d';

function bounds(min: number, max: number): string {
  const upper = max === Number.MAX_SAFE_INTEGER ? '' : ` and at most ${formatDuration(max)}`;
  return `must be at least ${formatDuration(min)}${upper}`;
}

function read(text: string): number | undefined {
  try {
    return parseDuration(text);
  } catch (error) {
    if (error instanceof DurationError) return undefined;
    throw error;
  }
}
