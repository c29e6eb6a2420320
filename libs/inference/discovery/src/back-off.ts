const firstMs = 500;
const longestMs = 30_000;

/**
 * How long to wait after `failures` failures in a row: twice as long each time up to a limit, and by a random part less,
 * so that gateways which lost the API server at one moment do not come back to it at one moment.
 *
 * @param random from 0 up to 1
 */
export function backOffMs(failures: number, random: number): number {
  if (failures === 0) return 0;
  const longest = Math.min(longestMs, firstMs * 2 ** (failures - 1));
  return longest * (0.5 + random / 2);
}
