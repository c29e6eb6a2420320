import { mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { contentHash, ensureEntry } from '../machine/cache-entry.ts';
import { runCommand } from '../machine/command.ts';
import { loopback, loopbackPort, startOnFreePort } from '../machine/loopback-port.ts';
import { modelFeatures } from './model-server.ts';
import { Progress } from '../machine/progress.ts';
import { findPython } from '../machine/python.ts';
import type { Availability, InstallablePart, InstallOptions, StartOptions } from '../real-part.ts';
import { RunFolder, runVariable } from '../machine/run-folder.ts';
import { ServerProcess } from '../machine/server-process.ts';
import { makeVirtualEnvironment, pythonEnvironment, pythonWithin } from '../machine/virtual-environment.ts';

const name = 'mlserver';
const mlserverVersion = '1.7.1';
const requirements = fileURLToPath(new URL('../../../../../deploy/mlserver/requirements.txt', import.meta.url));
const training = fileURLToPath(new URL('../../../../../deploy/model-server/train.py', import.meta.url));

/** A running MLServer: V2 over REST and over gRPC, with the extensions KServe's own server does not have. */
export interface MlServer {
  url: string;
  port: number;
  grpcUrl: string;
  /** The names it knows its models by. */
  models: readonly string[];
  logFile: string;
  stop(): Promise<void>;
}

/** MLServer with two scikit-learn models, from pinned wheels in a virtual environment in the cache. */
export const mlserver = {
  name,

  async available(): Promise<Availability> {
    const python = await findPython();
    return typeof python === 'string' ? { ok: false, reason: python } : { ok: true };
  },

  async install({ onProgress }: InstallOptions = {}): Promise<void> {
    await install(new Progress(name, onProgress));
  },

  async start(options: StartOptions = {}): Promise<MlServer> {
    const progress = new Progress(name, options.onProgress);
    const installation = await install(progress);
    const starting = startOnFreePort(() => startServer(installation, options, progress));
    return progress.during('starting', starting);
  },

  /** Its interpreter, which has Triton's client of gRPC too. */
  async python({ onProgress }: InstallOptions = {}): Promise<string> {
    return pythonWithin(await install(new Progress(name, onProgress)));
  },
} satisfies InstallablePart<MlServer> & { python(options?: InstallOptions): Promise<string> };

async function install(progress: Progress): Promise<string> {
  const python = await findPython();
  if (typeof python === 'string') throw new Error(python);
  const parts = await Promise.all([readFile(requirements), readFile(training)]);
  const version = `${mlserverVersion}-${contentHash(...parts, python.identity)}`;
  const fill = async (folder: string): Promise<void> => {
    await makeVirtualEnvironment({ folder, python, requirements, size: '120 MB' }, progress);
    const options = { env: pythonEnvironment({ [runVariable]: folder }), cwd: folder };
    const train = runCommand(pythonWithin(folder), [training, join(folder, 'models')], options);
    await progress.during('training the models', train);
  };
  return ensureEntry({ part: name, version, fill }, progress);
}

async function startServer(installation: string, options: StartOptions, progress: Progress): Promise<MlServer> {
  const [port, grpcPort, metricsPort] = await Promise.all([loopbackPort(options.port), loopbackPort(), loopbackPort()]);
  const run = await RunFolder.create(name, options.stateFolder, progress);
  const ports = { http_port: port, grpc_port: grpcPort, metrics_port: metricsPort };
  const folder = configure(run.path, join(installation, 'models'), ports);
  const server = await ServerProcess.start({
    part: name,
    command: pythonWithin(installation),
    // Its own command remembers the folder it was installed in.
    args: ['-c', 'from mlserver.cli import main; main()', 'start', folder],
    env: pythonEnvironment({}),
    run,
    readyUrl: `http://${loopback}:${port}/v2/health/ready`,
    pollMs: 200,
    ...(options.onExit && { onExit: options.onExit }),
  });
  return {
    url: `http://${loopback}:${port}`,
    port,
    grpcUrl: `http://${loopback}:${grpcPort}`,
    models: Object.keys(modelFeatures),
    logFile: run.logFile,
    stop: () => server.stop(),
  };
}

/** @returns the folder of settings that the server is started with */
function configure(run: string, models: string, ports: Readonly<Record<string, number>>): string {
  const folder = join(run, 'models');
  mkdirSync(folder);
  const settings = { host: loopback, ...ports, parallel_workers: 0 };
  writeFileSync(join(folder, 'settings.json'), JSON.stringify(settings));
  for (const model of Object.keys(modelFeatures)) {
    mkdirSync(join(folder, model));
    const parameters = { uri: join(models, `${model}.joblib`), version: 'v1' };
    const of = { name: model, implementation: 'mlserver_sklearn.SKLearnModel', parameters };
    writeFileSync(join(folder, model, 'model-settings.json'), JSON.stringify(of));
  }
  return folder;
}
