/**
 * How the commands read their arguments: `--help` explains and ends with 0, anything unknown is named, explained and ends with 64,
 * before anything was installed, built or started.
 */
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';

/** sysexits.h: the command was called wrongly. */
const usageExit = 64;

/**
 * @param help what `--help` prints, its first line how the command is called
 * @param allow whether arguments that are no options are names of something, and not a mistake
 */
export function readArguments<const O extends ParseArgsOptionsConfig>(
  help: string,
  options: O,
  allow: { names: boolean } = { names: false },
) {
  try {
    const read = parseArgs({
      options: { ...options, help: { type: 'boolean' } },
      allowPositionals: allow.names,
    });
    if ((read.values as { help?: boolean }).help) {
      process.stdout.write(help);
      process.exit(0);
    }
    return read;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return misused(error.message, help);
  }
}

/** Says what is wrong with the arguments and ends the process. */
export function misused(problem: string, help: string): never {
  // What Node adds about arguments that begin with a dash is about none of ours.
  process.stderr.write(`${problem.replace(/\. (?:To specify|This command).*/s, '')}\n\n${help}`);
  process.exit(usageExit);
}
