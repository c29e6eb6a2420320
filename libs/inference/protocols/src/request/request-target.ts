import type { DenialReason } from '../denial/denial.ts';

const slash = 0x2f;
const dot = 0x2e;

const named: Readonly<Record<string, DenialReason>> = {
  '?': 'query_not_allowed',
  '#': 'fragment',
  '%': 'percent_encoding',
  ';': 'path_parameter',
  '\\': 'backslash',
};

/** The denial for each ASCII character; undefined if a canonical path may contain it. */
const refusedFor: readonly (DenialReason | undefined)[] = Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (code < 0x20 || code === 0x7f) return 'control_character';
  if (/[A-Za-z0-9._~:/-]/.test(character)) return undefined;
  return named[character] ?? 'path_character';
});

/**
 * Checks that a request-target is the one canonical spelling of a path: origin-form, unreserved characters with `/` and
 * `:`, no percent-encoding, no empty segment, no dot segment and no trailing slash. Model servers decode, merge and
 * redirect paths differently, so any other spelling could reach another route there.
 *
 * @returns the reason to refuse it, or undefined
 */
export function targetProblem(target: string): DenialReason | undefined {
  if (target.charCodeAt(0) !== slash) return 'target_form';
  let segmentStart = 1;
  const length = target.length;
  for (let index = 1; index < length; index++) {
    const code = target.charCodeAt(index);
    if (code >= 0x80) return 'non_ascii';
    const refusal = refusedFor[code];
    if (refusal !== undefined) return refusal;
    if (code !== slash) continue;
    const problem = segmentProblem(target, segmentStart, index);
    if (problem !== undefined) return problem;
    segmentStart = index + 1;
  }
  if (length === 1) return undefined;
  return segmentStart === length ? 'trailing_slash' : segmentProblem(target, segmentStart, length);
}

function segmentProblem(target: string, start: number, end: number): DenialReason | undefined {
  if (start === end) return 'empty_segment';
  if (target.charCodeAt(start) !== dot || end - start > 2) return undefined;
  return end - start === 1 || target.charCodeAt(start + 1) === dot ? 'dot_segment' : undefined;
}
