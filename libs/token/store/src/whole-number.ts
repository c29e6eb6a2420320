/**
 * What a bigint column holds, as the number it was written as: seconds since the epoch, a policy's version.
 *
 * @throws RangeError where a number cannot hold it: it was not written by this service
 */
export function wholeNumber(value: bigint): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new RangeError('a column holds more than a number can');
}
