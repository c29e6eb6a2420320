import { runCommand } from './command.ts';

// What the pinned wheels exist for.
const supported = ['3.13', '3.12', '3.11'];
const probe = [
  'import ensurepip, platform, sys, venv',
  'print("%d.%d" % sys.version_info[:2], platform.python_version(), platform.machine(), sys.executable)',
].join('\n');

export interface Python {
  command: string;
  /** Version, architecture and path: what a virtual environment is bound to. */
  identity: string;
}

/** The first on the PATH that will do; a sentence where none does. */
export async function findPython(versions: readonly string[] = supported): Promise<Python | string> {
  const unfit: string[] = [];
  for (const command of ['python3', ...versions.map((version) => `python${version}`), 'python']) {
    const answer = await runCommand(command, ['-c', probe], { timeoutMs: 20_000 }).catch(() => undefined);
    const [version = '', ...identity] = answer?.trim().split(' ') ?? [];
    if (versions.includes(version)) return { command, identity: identity.join(' ') };
    if (version) unfit.push(`${command} is ${version}`);
  }
  const found = unfit.length > 0 ? unfit.join(', ') : 'none with the modules venv and ensurepip is on the PATH';
  return `Python ${versions.toReversed().join(', ')} is needed for KServe's pinned wheels; ${found}`;
}
