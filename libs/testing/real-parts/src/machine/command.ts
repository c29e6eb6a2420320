import { spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { childEnvironment } from './environment.ts';

const keptCharacters = 20_000;

export interface CommandOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  timeoutMs?: number;
  /** Another exit code than 0 is an answer as well. */
  mayFail?: boolean;
  /** How far it steps back behind other processes, 1 to 19. */
  niceness?: number;
}

/** A command that could not be run, or ended with something else than 0; the message carries its last lines. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}

/**
 * What the command printed on both streams.
 *
 * @throws CommandFailed
 */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: options.env ?? childEnvironment({}),
    ...(options.cwd && { cwd: options.cwd }),
    ...(options.timeoutMs && { timeout: options.timeoutMs }),
  });
  if (options.niceness !== undefined && child.pid !== undefined) setPriority(child.pid, options.niceness);
  const end = (): void => void child.kill('SIGTERM');
  process.on('exit', end);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-keptCharacters)));
  }
  const outcome = await new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) =>
      resolve(code === 0 || (options.mayFail && code !== null) ? undefined : (signal ?? `exit ${code}`)),
    );
  });
  process.off('exit', end);
  if (outcome === undefined) return output;
  throw new CommandFailed([`${command} failed: ${outcome}`, ...lastLines(output, 12)].join('\n'));
}

export function lastLines(text: string, count: number): string[] {
  return text.trimEnd().split('\n').slice(-count);
}
