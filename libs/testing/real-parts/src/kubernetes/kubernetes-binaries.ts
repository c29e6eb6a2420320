import { accessSync, constants, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { contentHash, ensureEntry, entryFolder, type CacheEntry } from '../machine/cache-entry.ts';
import { CommandFailed, runCommand } from '../machine/command.ts';
import { childEnvironment, configuredKubernetesBinaries } from '../machine/environment.ts';
import type { Progress } from '../machine/progress.ts';
import type { Availability } from '../real-part.ts';
import { runVariable } from '../machine/run-folder.ts';

/** Paths of the two programs a Kubernetes API is made of. */
export interface KubernetesBinaries {
  etcd: string;
  kubeApiserver: string;
}

interface GoProgram {
  /** Name of the binary, and of its folder here with the go.mod and go.sum that pin everything it is built from. */
  name: string;
  version: string;
  module: string;
  package: string;
  /** `name=value` settings of the linker's -X. */
  stamps: readonly string[];
  timeoutMs: number;
}

export const kubernetesVersion = '1.37.2';
const goVersion = '1.26';
const wrappers = fileURLToPath(new URL('../../kubernetes/', import.meta.url));
const minute = 60_000;

const etcd: GoProgram = {
  name: 'etcd',
  version: '3.7.3',
  module: 'go.etcd.io/etcd/server/v3@v3.7.3',
  package: 'go.etcd.io/etcd/server/v3',
  stamps: [],
  timeoutMs: 10 * minute,
};

// Without the stamps the server reports a placeholder for its version.
const stamp = 'k8s.io/component-base/version.git';
const kubeApiserver: GoProgram = {
  name: 'kube-apiserver',
  version: kubernetesVersion,
  module: `k8s.io/kubernetes@v${kubernetesVersion}`,
  package: 'k8s.io/kubernetes/cmd/kube-apiserver',
  stamps: [`${stamp}Version=v${kubernetesVersion}`, `${stamp}Major=1`, `${stamp}Minor=37`],
  timeoutMs: 45 * minute,
};

const programs = [etcd, kubeApiserver];

/** Whether both can be had: in the folder KUBEBUILDER_ASSETS names, in the cache, or built by Go. Never throws. */
export async function kubernetesAvailable(): Promise<Availability> {
  const configured = configuredKubernetesBinaries();
  if (configured !== undefined) return inAssets(configured);
  for (const program of programs.filter((one) => !isExecutable(binaryOf(one)))) {
    const reason = await cannotBuild(program);
    if (reason !== undefined) return { ok: false, reason };
  }
  return { ok: true };
}

/** Idempotent; two processes may call it at once. One after the other: each build takes every core and up to 2.4 GB. */
export async function installKubernetes(progress: Progress): Promise<KubernetesBinaries> {
  const configured = configuredKubernetesBinaries();
  if (configured !== undefined) {
    const availability = inAssets(configured);
    if (!availability.ok) throw new Error(availability.reason);
    return { etcd: join(configured, etcd.name), kubeApiserver: join(configured, kubeApiserver.name) };
  }
  return { etcd: await installed(etcd, progress), kubeApiserver: await installed(kubeApiserver, progress) };
}

function inAssets(folder: string): Availability {
  const missing = programs.map(({ name }) => join(folder, name)).find((path) => !isExecutable(path));
  if (missing === undefined) return { ok: true };
  return { ok: false, reason: `KUBEBUILDER_ASSETS names ${folder}, but ${missing} is no program` };
}

async function installed(program: GoProgram, progress: Progress): Promise<string> {
  const entry: CacheEntry = { ...entryOf(program), fill: (folder) => build(program, folder, progress) };
  await ensureEntry(entry, progress);
  return binaryOf(program);
}

async function build(program: GoProgram, folder: string, progress: Progress): Promise<void> {
  const { name, package: path, stamps, timeoutMs } = program;
  const linker = ['-s', '-w', ...stamps.flatMap((text) => ['-X', text])].join(' ');
  const args = ['build', '-mod=readonly', '-trimpath', `-ldflags=${linker}`, '-o', join(folder, name), path];
  const env = goEnvironment({ CGO_ENABLED: '0', [runVariable]: folder });
  // Minutes on every core: whatever else goes on at the same time goes first.
  const work = runCommand('go', args, { cwd: moduleFolder(program), env, timeoutMs, niceness: 10 });
  await progress.during(`building ${name} ${program.version} from its Go module`, work);
}

async function cannotBuild(program: GoProgram): Promise<string | undefined> {
  const options = { cwd: moduleFolder(program), env: goEnvironment({}), timeoutMs: minute };
  try {
    await runCommand('go', ['version'], options);
  } catch {
    return `Go ≥ ${goVersion} is needed to build ${program.name}, and is not on the PATH`;
  }
  try {
    await runCommand('go', ['list', '-mod=mod', '-m', program.module], options);
    return undefined;
  } catch (error) {
    const lines = error instanceof CommandFailed ? error.message.split('\n') : [String(error)];
    return `the Go module ${program.module} cannot be had: ${lines.at(-1) ?? ''}`;
  }
}

function goEnvironment(extra: Record<string, string>): NodeJS.ProcessEnv {
  return childEnvironment({ GOWORK: 'off', ...extra }, ['GOFLAGS', 'GOOS', 'GOARCH']);
}

function entryOf(program: GoProgram): Pick<CacheEntry, 'part' | 'version'> {
  const pins = ['go.mod', 'go.sum'].map((file) => readFileSync(join(moduleFolder(program), file)));
  return { part: program.name, version: `${program.version}-${contentHash(...pins)}` };
}

function moduleFolder({ name }: GoProgram): string {
  return join(wrappers, name);
}

function binaryOf(program: GoProgram): string {
  return join(entryFolder(entryOf(program)), program.name);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
