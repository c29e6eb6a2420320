import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { childEnvironment } from '../machine/environment.ts';
import { KubernetesApi } from './kubernetes-api.ts';
import { installKubernetes, kubernetesAvailable, kubernetesVersion } from './kubernetes-binaries.ts';
import { kubeconfig, writeKubernetesCredentials, type KubernetesCredentials } from './kubernetes-credentials.ts';
import { lastingLoopbackPort, loopback, loopbackPort, startOnFreePort } from '../machine/loopback-port.ts';
import { Progress } from '../machine/progress.ts';
import type { InstallablePart, StartOptions } from '../real-part.ts';
import { endRun, RunFolder } from '../machine/run-folder.ts';
import { RunProcess } from '../machine/run-process.ts';

const name = 'kube-apiserver';
const readyTimeoutMs = 120_000;

/** A running Kubernetes API: no controllers and no kubelet, so objects are kept and watched and nothing comes of them. */
export interface KubeApiserver {
  url: string;
  /** Certificate of the authority that signed the server's own, as PEM. */
  ca: string;
  /** Calls as the administrator. */
  api: KubernetesApi;
  /** Of the administrator. */
  kubeconfigFile: string;
  /** The text of a kubeconfig for whom this token names. */
  kubeconfigFor(token: string): string;
  /**
   * Forgets the history of changes, as a cluster does every five minutes: who goes on from before is told 410 Gone. The API
   * server remembers some of it by itself unless it was started with `--watch-cache=false`.
   */
  compact(): Promise<void>;
  /** SIGKILL of the API server, not of etcd; `restart` brings it back on the same port with the same objects. */
  kill(): Promise<void>;
  restart(): Promise<void>;
}

export interface KubeApiserverOptions extends StartOptions {
  /** Further flags of the API server. */
  flags?: readonly string[];
}

/** kube-apiserver on an etcd of its own, from the folder KUBEBUILDER_ASSETS names or built from their Go modules. */
export const kubeApiserver = {
  name,

  available: kubernetesAvailable,

  async install({ onProgress } = {}): Promise<void> {
    await installKubernetes(new Progress(name, onProgress));
  },

  async start(options: KubeApiserverOptions = {}): Promise<KubeApiserver & { stop(): Promise<void> }> {
    const progress = new Progress(name, options.onProgress);
    const binaries = await installKubernetes(progress);
    const start = async (): Promise<LoopbackKubernetes> => {
      const own = options.port ? await loopbackPort(options.port) : await lastingLoopbackPort();
      const ports = [own, await loopbackPort(), await loopbackPort()] as const;
      const run = await RunFolder.create(name, options.stateFolder, progress);
      const credentials = await writeKubernetesCredentials(run.path, `https://${loopback}:${ports[0]}`);
      const server = new LoopbackKubernetes({ run, ports, credentials, ...binaries, ...options });
      try {
        await server.start();
        return server;
      } catch (error) {
        await server.stop();
        throw error;
      }
    };
    return progress.during(`starting ${kubernetesVersion}`, startOnFreePort(start));
  },
} satisfies InstallablePart<KubeApiserver>;

interface LoopbackOptions extends KubeApiserverOptions {
  run: RunFolder;
  credentials: KubernetesCredentials;
  /** Of the API server, of etcd for it, and of etcd for its peers. */
  ports: readonly [number, number, number];
  etcd: string;
  kubeApiserver: string;
}

class LoopbackKubernetes implements KubeApiserver {
  readonly url: string;
  readonly ca: string;
  readonly api: KubernetesApi;
  readonly kubeconfigFile: string;
  readonly #options: LoopbackOptions;
  readonly #etcd: RunProcess;
  readonly #server: RunProcess;
  #stopping: Promise<void> | undefined;

  constructor(options: LoopbackOptions) {
    const { run, credentials, ports, onExit } = options;
    this.#options = options;
    this.url = `https://${loopback}:${ports[0]}`;
    this.ca = credentials.ca;
    this.kubeconfigFile = credentials.kubeconfigFile;
    this.api = new KubernetesApi({ url: this.url, ca: this.ca, token: credentials.adminToken });
    const env = childEnvironment({}, ['ETCD_', 'KUBE']);
    this.#etcd = new RunProcess({ part: 'etcd', command: options.etcd, args: etcdFlags(options), env, run, onExit });
    const args = apiserverFlags(options, this.url);
    this.#server = new RunProcess({ part: name, command: options.kubeApiserver, args, env, run, onExit });
  }

  async start(): Promise<void> {
    this.#etcd.start();
    await this.restart();
  }

  kubeconfigFor(token: string): string {
    return kubeconfig({ url: this.url, ca: this.ca, token });
  }

  async compact(): Promise<void> {
    const status = await this.#callEtcd<{ header: { revision: string } }>('maintenance/status', {});
    await this.#callEtcd('kv/compaction', { revision: status.header.revision, physical: true });
  }

  kill(): Promise<void> {
    return this.#server.kill();
  }

  async restart(): Promise<void> {
    await this.#server.kill();
    this.#server.start();
    const deadline = Date.now() + readyTimeoutMs;
    while (!(await this.#isReady())) {
      this.#etcd.assertRuns();
      this.#server.assertRuns();
      if (Date.now() > deadline) throw new Error(`${name} was not ready after ${readyTimeoutMs / 1000} s`);
      await sleep(50);
    }
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#end();
    return this.#stopping;
  }

  async #end(): Promise<void> {
    const { run } = this.#options;
    // What it would finish is of no use to anybody, and it would take its time over the watches that are open.
    await Promise.all([this.#server.kill(), this.#etcd.kill()]);
    await endRun(run.path, undefined, 0);
    await run.remove();
  }

  async #isReady(): Promise<boolean> {
    if (!(await this.api.isReady())) return false;
    // The namespace is made by a controller of the server itself, after it says that it is ready.
    return this.api.call('GET', '/api/v1/namespaces/default').then(
      () => true,
      () => false,
    );
  }

  async #callEtcd<T>(path: string, body: unknown): Promise<T> {
    const url = `http://${loopback}:${this.#options.ports[1]}/v3/${path}`;
    const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`etcd answers ${response.status} to ${path}: ${await response.text()}`);
    return (await response.json()) as T;
  }
}

function etcdFlags({ ports: [, client, peer], run }: LoopbackOptions): string[] {
  const [clients, peers] = [`http://${loopback}:${client}`, `http://${loopback}:${peer}`];
  return flagsOf({
    'data-dir': join(run.path, 'etcd'),
    name: 'one',
    'log-level': 'warn',
    'unsafe-no-fsync': 'true',
    'listen-client-urls': clients,
    'advertise-client-urls': clients,
    'listen-peer-urls': peers,
    'initial-advertise-peer-urls': peers,
    'initial-cluster': `one=${peers}`,
  });
}

function apiserverFlags({ ports: [port, etcd], run, credentials, flags }: LoopbackOptions, url: string): string[] {
  const own = flagsOf({
    'etcd-servers': `http://${loopback}:${etcd}`,
    'bind-address': loopback,
    'secure-port': String(port),
    // Nobody keeps an Endpoints object for an address that is this machine's alone.
    'advertise-address': loopback,
    'endpoint-reconciler-type': 'none',
    'service-cluster-ip-range': '10.0.0.0/24',
    'cert-dir': run.path,
    'tls-cert-file': credentials.certFile,
    'tls-private-key-file': credentials.keyFile,
    'service-account-issuer': url,
    'service-account-key-file': credentials.serviceAccountKeyFile,
    'service-account-signing-key-file': credentials.serviceAccountKeyFile,
    'token-auth-file': credentials.tokenAuthFile,
    'authorization-mode': 'RBAC',
    'enable-priority-and-fairness': 'false',
    profiling: 'false',
    'allow-privileged': 'true',
  });
  return [...own, ...(flags ?? [])];
}

function flagsOf(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).map(([flag, value]) => `--${flag}=${value}`);
}
