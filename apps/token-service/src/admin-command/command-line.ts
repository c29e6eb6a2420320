import { signingAlgs, type SigningAlg } from '@modelgate/keys';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { reason as reasonSchema } from '../admin-api/admin-operation.ts';

/** The command was called wrongly; the message says how, in the caller's words. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What was asked for. */
export type Command =
  | { verb: 'help' }
  | { verb: 'list' }
  | { verb: 'rehearse'; seconds: number }
  | { verb: 'rotate'; reason: string; force: boolean; dryRun: boolean; alg: SigningAlg | undefined }
  | { verb: 'prepare'; reason: string; alg: SigningAlg | undefined }
  | { verb: 'suspect' | 'revoke'; reason: string; force: boolean; dryRun: boolean; kid: string }
  | { verb: 'rewrap'; reason: string };

type Verb = Exclude<Command['verb'], 'help'>;
type Option = 'reason' | 'kid' | 'alg' | 'within' | 'force' | 'dry-run';

const optionsOf: Readonly<Record<Verb, readonly Option[]>> = {
  list: [],
  rehearse: ['within'],
  rotate: ['reason', 'alg', 'force', 'dry-run'],
  prepare: ['reason', 'alg'],
  suspect: ['reason', 'kid', 'force', 'dry-run'],
  revoke: ['reason', 'kid', 'force', 'dry-run'],
  rewrap: ['reason'],
};
const longestRehearsalSeconds = 366 * 86_400;

/** @throws UsageError */
export function parseCommand(args: readonly string[]): Command {
  const { values, positionals } = parse(args);
  if (values.help) return { verb: 'help' };
  const [noun, verb = '', ...rest] = positionals;
  if (noun !== 'keys' || rest.length > 0 || !isVerb(verb)) {
    throw new UsageError(`${['modelgate-admin', ...positionals].join(' ')} is not a command`);
  }
  for (const [option, value] of Object.entries(values)) {
    if (value !== undefined && !optionsOf[verb].includes(option as Option)) {
      throw new UsageError(`keys ${verb} takes no --${option}`);
    }
  }
  return commandOf(verb, values);
}

interface Values {
  reason?: string | undefined;
  kid?: string | undefined;
  alg?: string | undefined;
  within?: string | undefined;
  force?: boolean | undefined;
  'dry-run'?: boolean | undefined;
  help?: boolean | undefined;
}

function commandOf(verb: Verb, values: Values): Command {
  const { reason, kid, alg, within, force = false, 'dry-run': dryRun = false } = values;
  switch (verb) {
    case 'list':
      return { verb };
    case 'rehearse':
      return { verb, seconds: secondsOf(within) };
    case 'rotate':
      return { verb, reason: reasonOf(verb, reason), force, dryRun, alg: algOf(alg) };
    case 'prepare':
      return { verb, reason: reasonOf(verb, reason), alg: algOf(alg) };
    case 'suspect':
    case 'revoke':
      if (!kid) throw new UsageError(`keys ${verb} needs a --kid; keys list has them`);
      return { verb, reason: reasonOf(verb, reason), force, dryRun, kid };
    case 'rewrap':
      return { verb, reason: reasonOf(verb, reason) };
  }
}

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const known = { reason: text, kid: text, alg: text, within: text, force: flag, 'dry-run': flag, help: flag } as const;

function parse(args: readonly string[]): { values: Values; positionals: string[] } {
  try {
    return parseArgs({ args: joined(args), options: known, allowPositionals: true } satisfies ParseArgsConfig);
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message);
    throw error;
  }
}

/** A kid may begin with a dash, as one in 64 does, and is a value all the same. */
function joined(args: readonly string[]): string[] {
  const at = args.indexOf('--kid');
  const kid = at < 0 ? undefined : args[at + 1];
  return kid === undefined ? [...args] : [...args.slice(0, at), `--kid=${kid}`, ...args.slice(at + 2)];
}

function isVerb(verb: string): verb is Verb {
  return Object.hasOwn(optionsOf, verb);
}

function reasonOf(verb: Verb, reason: string | undefined): string {
  if (!reason?.trim()) throw new UsageError(`keys ${verb} needs a --reason; it is written to the audit log`);
  const parsed = reasonSchema.safeParse(reason);
  if (!parsed.success) throw new UsageError('--reason is 3 to 500 characters, none of them a control character');
  return parsed.data;
}

function algOf(alg: string | undefined): SigningAlg | undefined {
  const found = signingAlgs.find((name) => name === alg);
  if (alg !== undefined && !found) throw new UsageError(`--alg is one of ${signingAlgs.join(', ')}`);
  return found;
}

function secondsOf(within = '86400'): number {
  const seconds = /^\d{1,8}$/.test(within) ? Number(within) : 0;
  if (seconds < 1 || seconds > longestRehearsalSeconds) {
    throw new UsageError(`--within is a whole number of seconds, from 1 to ${longestRehearsalSeconds}`);
  }
  return seconds;
}
