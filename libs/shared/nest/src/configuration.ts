import { isProtectedUrl, DurationError, parseDuration } from '@modelgate/core';
import { readFileSync } from 'node:fs';
import { problemsOf, type PlacedProblem } from '@modelgate/oauth';
import { z } from 'zod';
import { misspeltSettings } from './misspelt-setting.ts';

/** Everything that is wrong with the configuration, one sentence each, with its remedy and never with a value. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the configuration has ${problems.length} problem${problems.length === 1 ? '' : 's'}`);
    this.problems = problems;
  }
}

/**
 * What `work` returns; an error of `kind` is a problem of the configuration.
 *
 * @throws ConfigurationError
 */
export function configured<T>(kind: new (...args: never[]) => Error, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof kind) throw new ConfigurationError([error.message]);
    throw error;
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads an app's configuration from its environment, once, at start. An empty variable counts as absent; each variable may
 * also be given as the content of a file, `NAME_FILE`, as secrets are mounted.
 *
 * @param contradictions sentences about settings that do not go together, as they are given
 * @throws ConfigurationError listing every problem there is
 */
export function loadConfig<S extends z.ZodObject>(
  schema: S,
  environment: Environment,
  contradictions: (given: Environment) => string[] = () => [],
): z.output<S> {
  const names = Object.keys(schema.shape);
  const problems = misspeltSettings(names, environment);
  const settings: Record<string, string> = {};
  for (const name of names) {
    const value = readSetting(name, environment, problems);
    if (value !== undefined) settings[name] = value;
  }
  const parsed = schema.safeParse(settings);
  if (!parsed.success) problems.push(...problemsOf(parsed.error).map((problem) => sentence(problem, settings)));
  problems.push(...contradictions(settings));
  if (problems.length > 0 || !parsed.success) throw new ConfigurationError(problems);
  return parsed.data;
}

function readSetting(name: string, environment: Environment, problems: string[]): string | undefined {
  const value = environment[name] || undefined;
  // A name that ends so itself is a path, and not the path of a path.
  const file = name.endsWith('_FILE') ? undefined : environment[`${name}_FILE`] || undefined;
  if (file === undefined) return value;
  if (value !== undefined) {
    problems.push(`${name} and ${name}_FILE are both set; keep one`);
    return value;
  }
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    problems.push(`${name}_FILE names a file that cannot be read`);
    return undefined;
  }
}

function sentence({ path, detail }: PlacedProblem, settings: Record<string, string>): string {
  const name = String(path[0] ?? 'configuration');
  if (name in settings) return `${name}: ${detail}`;
  return name.endsWith('_FILE')
    ? `${name} is missing; set it to a path`
    : `${name} is missing; set it, or ${name}_FILE`;
}

/** A duration with its units, as seconds. */
export function duration(bounds: { min?: number; max?: number } = {}) {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = bounds;
  return z.string().transform((text, context) => {
    try {
      const seconds = parseDuration(text);
      if (seconds >= min && seconds <= max) return seconds;
      context.addIssue({ code: 'custom', message: `must be between ${min} and ${max} seconds` });
    } catch (error) {
      if (!(error instanceof DurationError)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
    }
    return z.NEVER;
  });
}

/**
 * Items separated by commas.
 *
 * @param item says itself what is wrong with one, as the text may have many
 * @param none the text that stands for no item
 */
export function commaSeparated<T>(item: z.ZodType<T, string>, { none }: { none?: string } = {}) {
  const items: z.ZodType<T[], string[]> = z.array(item);
  return z
    .string()
    .transform((text) => (text === none ? [] : text.split(',').map((part) => part.trim())))
    .pipe(items);
}

/** A TCP port; 0 is any free one, which the log then names. */
export const port = z
  .string()
  .regex(/^\d{1,5}$/, 'a port is a number')
  .transform(Number)
  .refine((value) => value <= 65_535, 'a port is at most 65535');

/** A whole number between bounds. */
export function wholeNumber(min: number, max: number) {
  return z
    .string()
    .regex(/^\d{1,15}$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be between ${min} and ${max}`);
}

/** Redis or Valkey. */
export const redisUrl = z.string().regex(/^rediss?:\/\//, 'must be a redis:// or rediss:// URL');

/** An issuer URL (RFC 8414 §2): https, or http on loopback; no query, no fragment, no trailing slash. */
export const issuerUrl = z.string().superRefine((text, context) => {
  const problem = issuerProblem(text);
  if (problem) context.addIssue({ code: 'custom', message: problem });
});

function issuerProblem(text: string): string | undefined {
  if (!URL.canParse(text)) return 'must be a URL such as https://tokens.example.com';
  const url = new URL(text);
  const { search, hash, username, password } = url;
  if (!isProtectedUrl(url)) return 'must be https, unless it is on loopback';
  if (search || hash || username || password || /[?#]/.test(text)) return 'must have no credentials, query or fragment';
  return text.endsWith('/') ? 'must not end in a slash: it is compared byte for byte with iss' : undefined;
}

/** An absolute URI, as `aud` has it. */
export const absoluteUri = z
  .string()
  .refine(
    (text) => URL.canParse(text) && !text.includes('#') && !text.endsWith('/'),
    'must be an absolute URI without fragment and trailing slash',
  );
