import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { contentHash, ensureEntry } from '../machine/cache-entry.ts';
import { loopback, loopbackPort, startOnFreePort } from '../machine/loopback-port.ts';
import { Progress } from '../machine/progress.ts';
import { findPython } from '../machine/python.ts';
import type { Availability, InstallablePart, InstallOptions, StartOptions } from '../real-part.ts';
import { RunFolder } from '../machine/run-folder.ts';
import { ServerProcess } from '../machine/server-process.ts';
import { makeVirtualEnvironment, pythonEnvironment, pythonWithin } from '../machine/virtual-environment.ts';

const name = 'kserve-openai';
const kserveVersion = '0.14.1';
/** Its NumPy has no wheels for later ones. */
const pythonVersions = ['3.12', '3.11'];
const sources = fileURLToPath(new URL('../../../../../deploy/llm-server/', import.meta.url));

/** A running language model server: KServe's OpenAI protocol below `/openai`. */
export interface LanguageModelServer {
  url: string;
  port: number;
  /** The names it knows its models by. */
  models: readonly string[];
  logFile: string;
  stop(): Promise<void>;
}

/** KServe's own Python server with two toy language models, from pinned wheels in a virtual environment in the cache. */
export const kserveOpenai = {
  name,

  async available(): Promise<Availability> {
    const python = await findPython(pythonVersions);
    return typeof python === 'string' ? { ok: false, reason: python } : { ok: true };
  },

  async install({ onProgress }: InstallOptions = {}): Promise<void> {
    await install(new Progress(name, onProgress));
  },

  async start(options: StartOptions = {}): Promise<LanguageModelServer> {
    const progress = new Progress(name, options.onProgress);
    const installation = await install(progress);
    const starting = startOnFreePort(() => startServer(pythonWithin(installation), options, progress));
    return progress.during('starting', starting);
  },

  /** Its interpreter, with its libraries: to be asked how they read something. */
  async python({ onProgress }: InstallOptions = {}): Promise<string> {
    return pythonWithin(await install(new Progress(name, onProgress)));
  },
} satisfies InstallablePart<LanguageModelServer> & { python(options?: InstallOptions): Promise<string> };

async function install(progress: Progress): Promise<string> {
  const python = await findPython(pythonVersions);
  if (typeof python === 'string') throw new Error(python);
  const requirements = join(sources, 'requirements.txt');
  const version = `${kserveVersion}-${contentHash(await readFile(requirements), python.identity)}`;
  const fill = (folder: string): Promise<void> =>
    makeVirtualEnvironment({ folder, python, requirements, size: '80 MB' }, progress);
  return ensureEntry({ part: name, version, fill }, progress);
}

async function startServer(python: string, options: StartOptions, progress: Progress): Promise<LanguageModelServer> {
  const port = await loopbackPort(options.port);
  const run = await RunFolder.create(name, options.stateFolder, progress);
  const models = ['tiny-llm', 'sql-lora'];
  const flags = ['--host', loopback, '--http_port', String(port), '--enable_grpc', 'false'];
  const server = await ServerProcess.start({
    part: name,
    command: python,
    args: [join(sources, 'server.py'), ...flags, '--models', ...models],
    env: pythonEnvironment({}),
    run,
    readyUrl: `http://${loopback}:${port}/v2/health/ready`,
    pollMs: 100,
    ...(options.onExit && { onExit: options.onExit }),
  });
  return { url: `http://${loopback}:${port}`, port, models, logFile: run.logFile, stop: () => server.stop() };
}
