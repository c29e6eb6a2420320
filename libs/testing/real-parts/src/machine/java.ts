import { join } from 'node:path';
import { runCommand } from './command.ts';
import { configuredJavaHome } from './environment.ts';

const oldest = 17;

export interface Java {
  command: string;
  /** As `java -version` prints it: what a class archive is bound to. */
  version: string;
}

/** JAVA_HOME's, or the one on the PATH; a sentence where neither will do. */
export async function findJava(): Promise<Java | string> {
  const home = configuredJavaHome();
  const command = home ? join(home, 'bin', 'java') : 'java';
  const version = await runCommand(command, ['-version'], { timeoutMs: 20_000 }).catch(() => undefined);
  const major = Number(/version "(\d+)/.exec(version ?? '')?.[1]);
  if (version === undefined || !major) return `Java ${oldest} or newer is needed and ${command} does not run`;
  if (major < oldest) return `Java ${oldest} or newer is needed and ${command} is Java ${major}`;
  return { command, version };
}
