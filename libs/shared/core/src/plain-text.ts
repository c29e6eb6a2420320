import { maxClaimLength } from './bounds.ts';

/**
 * Whether a claim is what may stand in a log line, a header or a limit's key without meaning anything else there: text of
 * some length, up to {@link maxClaimLength}, without control characters.
 */
export function isPlainText(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value !== '' &&
    value.length <= maxClaimLength &&
    value.isWellFormed() &&
    !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(value)
  );
}
