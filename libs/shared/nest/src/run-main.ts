import { ConfigurationError } from './configuration.ts';

/** sysexits.h: the configuration is wrong, and starting again will not help. */
const configurationExit = 78;

const remedies: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is taken by another process; set another port, or 0 for any that is free',
  EACCES: 'may not be listened on by this user; set a port above 1023',
  EADDRNOTAVAIL: 'is no address of this machine; set another host, or 0.0.0.0 for all',
  ENOTFOUND: 'cannot be resolved; set a host of this machine, or 0.0.0.0 for all',
};

/** Why a listener could not be opened, and what to do about it; undefined for what is something else. */
function listenProblem(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code = '', syscall, address, hostname, port } = error as NodeJS.ErrnoException & Partial<Listened>;
  const remedy = syscall === 'listen' || syscall === 'getaddrinfo' ? remedies[code] : undefined;
  const place = [address ?? hostname, port].filter((part) => part !== undefined).join(':');
  return remedy && `${place} ${remedy}`;
}

/** What Node tells of a place that cannot be listened on, beside its error's code. */
interface Listened {
  address: string;
  hostname: string;
  port: number;
}

/** Runs an app's main function: a wrong configuration is printed whole and ends the process with 78, anything else with 1. */
export async function runMain(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    if (error instanceof ConfigurationError) {
      process.stderr.write(`${error.message}:\n${error.problems.map((problem) => `  - ${problem}\n`).join('')}`);
      process.exit(configurationExit);
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`the process ends: ${listenProblem(error) ?? text}\n`);
    process.exit(1);
  }
}
