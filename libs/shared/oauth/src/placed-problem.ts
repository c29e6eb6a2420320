import type { z } from 'zod';

/** What is wrong at one place of a document, and what belongs there. */
export interface PlacedProblem {
  path: readonly PropertyKey[];
  /** Goes on from the place: `must be …`. */
  detail: string;
}

/** Every problem that a schema has with a document, for the person who wrote it. */
export function problemsOf({ issues }: { issues: readonly z.core.$ZodIssue[] }): PlacedProblem[] {
  return issues.flatMap(inWords);
}

/** A place as it is looked for in a file, `models[0].upstream`; empty for the document as a whole. */
export function placeOf(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
}

const articles: Readonly<Record<string, string>> = { array: 'a list', object: 'an object', int: 'a whole number' };

function inWords(issue: z.core.$ZodIssue): PlacedProblem[] {
  const { path, message } = issue;
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...path, key],
      detail: 'is not known here; leave it out or correct its name',
    }));
  }
  return [{ path, detail: ownWords(issue) ?? message }];
}

/** In place of what the library says of itself; undefined where the schema brings its own words. */
function ownWords(issue: z.core.$ZodIssue): string | undefined {
  if (!/^(?:Invalid|Too)/.test(issue.message)) return undefined;
  if (issue.code === 'invalid_type') {
    const wanted = `must be ${articles[issue.expected] ?? `a ${issue.expected}`}`;
    return issue.message.endsWith('received undefined') ? `is missing; it ${wanted}` : wanted;
  }
  if (issue.code === 'too_small') return bound(`at least ${issue.minimum}`, issue.origin);
  if (issue.code === 'too_big') return bound(`at most ${issue.maximum}`, issue.origin);
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.map(String).join(', ')}`;
  if (issue.code === 'invalid_union') return [...new Set(issue.errors.map(alternative))].join(', or ');
  return undefined;
}

function bound(bounded: string, origin: string): string {
  if (origin === 'array') return `must have ${bounded} in it`;
  return origin === 'string' ? `must be ${bounded} long` : `must be ${bounded}`;
}

function alternative(issues: readonly z.core.$ZodIssue[]): string {
  return issues
    .flatMap(inWords)
    .map(({ path, detail }) => [...path.map(String), detail].join(' '))
    .join(' and ');
}
