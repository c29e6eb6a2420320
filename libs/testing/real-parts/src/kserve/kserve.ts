import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { contentHash, ensureEntry } from '../machine/cache-entry.ts';
import { runCommand } from '../machine/command.ts';
import { loopback, loopbackPort, startOnFreePort } from '../machine/loopback-port.ts';
import { modelFeatures, type ModelServer } from './model-server.ts';
import { Progress } from '../machine/progress.ts';
import { findPython, type Python } from '../machine/python.ts';
import type { Availability, InstallablePart, InstallOptions, StartOptions } from '../real-part.ts';
import { RunFolder, runVariable } from '../machine/run-folder.ts';
import { ServerProcess } from '../machine/server-process.ts';
import { makeVirtualEnvironment, pythonEnvironment, pythonWithin } from '../machine/virtual-environment.ts';

const name = 'kserve';
const kserveVersion = '0.21.0';
const sources = fileURLToPath(new URL('../../../../../deploy/model-server/', import.meta.url));

export interface KserveOptions extends StartOptions {
  /** A further model, for forecasts. */
  forecaster?: string;
}

/** KServe's own Python server with two scikit-learn models, from pinned wheels in a virtual environment in the cache. */
export const kserve = {
  name,

  async available(): Promise<Availability> {
    const python = await findPython();
    return typeof python === 'string' ? { ok: false, reason: python } : { ok: true };
  },

  async install({ onProgress }: InstallOptions = {}): Promise<void> {
    await installKserve(new Progress(name, onProgress));
  },

  async start(options: KserveOptions = {}): Promise<ModelServer> {
    const progress = new Progress(name, options.onProgress);
    const installation = await installKserve(progress);
    return progress.during(
      'starting',
      startOnFreePort(() => startServer(installation, options, progress)),
    );
  },

  /** Its interpreter, with its libraries, KServe's clients among them. */
  async python({ onProgress }: InstallOptions = {}): Promise<string> {
    return pythonWithin(await installKserve(new Progress(name, onProgress)));
  },
} satisfies InstallablePart<ModelServer> & { python(options?: InstallOptions): Promise<string> };

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
  const requirements = join(sources, 'requirements.txt');
  await makeVirtualEnvironment({ folder, python, requirements, size: '103 MB' }, progress);
  const training = [join(sources, 'train.py'), join(folder, 'models')];
  const options = { env: pythonEnvironment({ [runVariable]: folder }), cwd: folder };
  await progress.during('training the models', runCommand(pythonWithin(folder), training, options));
}

async function startServer(installation: string, options: KserveOptions, progress: Progress): Promise<ModelServer> {
  const [port, grpcPort] = await Promise.all([loopbackPort(options.port), loopbackPort()]);
  const python = pythonWithin(installation);
  const run = await RunFolder.create(name, options.stateFolder, progress);
  const forecaster = options.forecaster === undefined ? [] : ['--forecaster', options.forecaster];
  const models = ['--models', join(installation, 'models'), ...forecaster];
  const flags = ['--host', loopback, '--http_port', String(port), '--grpc_port', String(grpcPort)];
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
    grpcUrl: `http://${loopback}:${grpcPort}`,
    models: Object.keys(modelFeatures),
    logFile: run.logFile,
    stop: () => server.stop(),
  };
}
