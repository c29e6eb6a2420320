import type { Precondition } from '@modelgate/model-registry';
import type { IncomingHttpHeaders } from 'node:http';
import { AdminProblem } from '../problem.ts';

const tag = /^(?:W\/)?"[\x21\x23-\x7e]*"$/;

/**
 * What If-Match and If-None-Match say (RFC 9110 §13.1). Versions are strong entity tags; any other tag is well-formed and
 * matches nothing.
 *
 * @returns undefined where neither was sent
 * @throws AdminProblem 400
 */
export function preconditionOf(headers: IncomingHttpHeaders): Precondition | undefined {
  const { 'if-match': match, 'if-none-match': noneMatch } = headers;
  if (match !== undefined && noneMatch !== undefined) throw malformed('If-Match and If-None-Match exclude each other');
  if (noneMatch !== undefined) {
    if (noneMatch.trim() === '*') return { kind: 'absent' };
    throw malformed('If-None-Match is * here: there must be no such model');
  }
  if (match === undefined) return undefined;
  if (match.trim() === '*') return { kind: 'present' };
  const tags = match.split(',').map((part) => part.trim());
  if (!tags.every((text) => tag.test(text))) throw malformed('If-Match is * or a list of ETags, such as "3"');
  return { kind: 'version', versions: tags.flatMap(versionOf) };
}

export function etagOf({ version }: { version: number }): string {
  return `"${version}"`;
}

function versionOf(text: string): number[] {
  const digits = /^"(\d{1,10})"$/.exec(text)?.[1];
  return digits === undefined ? [] : [Number(digits)];
}

function malformed(detail: string): AdminProblem {
  return new AdminProblem(400, 'The request is malformed', detail);
}
