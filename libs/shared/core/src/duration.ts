/** A duration that is not of the form `1h10s`. */
export class DurationError extends Error {
  override readonly name = 'DurationError';
}

const unitSeconds = { d: 86_400, h: 3600, m: 60, s: 1 } as const;
const grammar = /^(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?$/;
const longest = 1_000_000_000 * unitSeconds.d - 1;

/**
 * Reads a duration that carries its units, each at most once and in falling order: `15m`, `1h10s`, `7d`.
 *
 * @returns seconds
 * @throws DurationError for anything else, a bare number included
 */
export function parseDuration(text: string): number {
  const match = text === '' ? null : grammar.exec(text);
  if (!match) throw new DurationError('a duration is written like 15m, 1h10s or 7d');
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1).map((digits) => Number(digits ?? 0));
  return days * unitSeconds.d + hours * unitSeconds.h + minutes * unitSeconds.m + seconds;
}

/**
 * The spelling of `seconds` that {@link parseDuration} reads back, largest unit first.
 *
 * @throws DurationError for a fraction or a negative number
 */
export function formatDuration(seconds: number): string {
  if (!Number.isSafeInteger(seconds) || seconds < 0 || seconds > longest) {
    throw new DurationError('not a whole number of seconds');
  }
  let rest = seconds;
  let text = '';
  for (const [unit, size] of Object.entries(unitSeconds)) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text === '' ? '0s' : text;
}
