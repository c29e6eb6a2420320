import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './command.ts';
import { childEnvironment } from './environment.ts';
import type { Progress } from './progress.ts';
import type { Python } from './python.ts';
import { runVariable } from './run-folder.ts';

/** A virtual environment within a folder of the cache, and what is installed into it. */
export interface VirtualEnvironment {
  folder: string;
  python: Python;
  /** A file of pinned requirements, complete: nothing is resolved. */
  requirements: string;
  /** For the progress line, such as `103 MB`. */
  size: string;
}

export async function makeVirtualEnvironment(environment: VirtualEnvironment, progress: Progress): Promise<void> {
  const { folder, python, requirements, size } = environment;
  const options = { env: pythonEnvironment({ [runVariable]: folder }), cwd: folder };
  const create = runCommand(python.command, ['-m', 'venv', join(folder, 'venv')], options);
  await progress.during('making a virtual environment', create);
  const pip = ['-m', 'pip', 'install', '--quiet', '--no-input', '--no-deps', '-r', requirements];
  const install = runCommand(join(folder, 'venv', 'bin', 'python'), pip, options);
  await progress.during(`installing the pinned wheels (${size})`, install);
}

/** Its interpreter. */
export function pythonWithin(folder: string): string {
  const python = join(folder, 'venv', 'bin', 'python');
  if (!existsSync(python)) throw new Error(`${python} leads nowhere; remove ${folder} to have it made again`);
  return python;
}

/** Without what would lead Python elsewhere, or keep it from compiling once what it then compiles at every start. */
export function pythonEnvironment(extra: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return childEnvironment(extra, [
    'PYTHON',
    'VIRTUAL_ENV',
    'PIP_NO_COMPILE',
    'PIP_TARGET',
    'PIP_PREFIX',
    'PIP_USER',
    'KSERVE_',
  ]);
}
