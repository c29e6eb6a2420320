import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { contentHash, ensureEntry } from './cache-entry.ts';
import { runCommand } from './command.ts';
import { childEnvironment } from './environment.ts';
import { loopback, loopbackPort, startOnFreePort } from './loopback-port.ts';
import { modelFeatures, type ModelServer } from './model-server.ts';
import { Progress } from './progress.ts';
import { findPython, type Python } from './python.ts';
import type { Availability, InstallablePart, StartOptions } from './real-part.ts';
import { RunFolder, runVariable } from './run-folder.ts';
import { ServerProcess } from './server-process.ts';

const name = 'kserve';
const kserveVersion = '0.21.0';
const sources = fileURLToPath(new URL('../../../deploy/model-server/', import.meta.url));

/** KServe's own Python server with two scikit-learn models, from pinned wheels in a virtual environment in the cache. */
export const kserve: InstallablePart<ModelServer> = {
  name,

  async available(): Promise<Availability> {
    const python = await findPython();
    return typeof python === 'string' ? { ok: false, reason: python } : { ok: true };
  },

  async install({ onProgress } = {}): Promise<void> {
    await installKserve(new Progress(name, onProgress));
  },

  async start(options: StartOptions = {}): Promise<ModelServer> {
    const progress = new Progress(name, options.onProgress);
    const installation = await installKserve(progress);
    return progress.during(
      'starting',
      startOnFreePort(() => startServer(installation, options, progress)),
    );
  },
};

async function installKserve(progress: Progress): Promise<string> {
  const python = await findPython();
  if (typeof python === 'string') throw new Error(python);
  const [requirements, training] = await Promise.all(
    ['requirements.txt', 'train.py'].map((file) => readFile(join(sources, file))),
  );
  const version = `${kserveVersion}-${contentHash(requirements ?? '', training ?? '', python.identity)}`;
  return ensureEntry({ part: name, version, fill: (folder) => fillKserve(folder, python, progress) }, progress);
}

async function fillKserve(folder: string, python: Python, progress: Progress): Promise<void> {
  const env = pythonEnvironment({ [runVariable]: folder });
  const environment = join(folder, 'venv');
  const create = runCommand(python.command, ['-m', 'venv', environment], { env, cwd: folder });
  await progress.during('making a virtual environment', create);
  const inside = join(environment, 'bin', 'python');
  const requirements = join(sources, 'requirements.txt');
  const pip = ['-m', 'pip', 'install', '--quiet', '--no-input', '--no-deps', '-r', requirements];
  await progress.during('installing the pinned wheels (103 MB)', runCommand(inside, pip, { env, cwd: folder }));
  const training = [join(sources, 'train.py'), join(folder, 'models')];
  await progress.during('training the models', runCommand(inside, training, { env, cwd: folder }));
}

async function startServer(installation: string, options: StartOptions, progress: Progress): Promise<ModelServer> {
  const port = await loopbackPort(options.port);
  const python = join(installation, 'venv', 'bin', 'python');
  if (!existsSync(python)) throw new Error(`${python} leads nowhere; remove ${installation} to have it made again`);
  const run = await RunFolder.create(name, options.stateFolder, progress);
  const models = ['--models', join(installation, 'models')];
  const flags = ['--host', loopback, '--http_port', String(port), '--enable_grpc', 'false'];
  const server = await ServerProcess.start({
    part: name,
    command: python,
    args: [join(sources, 'server.py'), ...models, ...flags],
    env: pythonEnvironment({}),
    run,
    readyUrl: `http://${loopback}:${port}/v2/health/ready`,
    pollMs: 100,
    ...(options.onExit && { onExit: options.onExit }),
  });
  return {
    kind: 'kserve',
    url: `http://${loopback}:${port}`,
    port,
    models: Object.keys(modelFeatures),
    logFile: run.logFile,
    stop: () => server.stop(),
  };
}

/** Without what would lead Python elsewhere, or keep it from compiling once what it then compiles at every start. */
function pythonEnvironment(extra: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
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
