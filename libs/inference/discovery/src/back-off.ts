const firstMs = 500;
const longestMs = 30_000;

/**
 * The delay after `failures` consecutive failures. It doubles up to a limit, minus a random part, so that gateways that
 * lost the API server at the same time do not return to it at the same time.
 *
 * @param random from 0 up to 1
 */
export function backOffMs(failures: number, random: number): number {
  if (failures === 0) return 0;
  const longest = Math.min(longestMs, firstMs * 2 ** (failures - 1));
  return longest * (0.5 + random / 2);
}
