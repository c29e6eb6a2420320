import { h2spec } from './h2spec.ts';
import { keycloak } from './keycloak/keycloak.ts';
import { kserve } from './kserve/kserve.ts';
import { kubeApiserver } from './kubernetes/kube-apiserver.ts';
import { kserveOpenai } from './kserve/kserve-openai.ts';
import { mlserver } from './kserve/mlserver.ts';
import type { InstallablePart, InstallOptions } from './real-part.ts';
import { redis } from './redis.ts';

export interface InstallOutcome {
  name: string;
  /** Seconds it took; next to nothing where it was there. */
  seconds: number;
  /** Why it is not installed; absent where it is. */
  reason?: string;
}

/**
 * Brings every part that is downloaded or built into the cache, side by side. A part that cannot be had here, or whose
 * installation failed, is told and is no failure of this function.
 */
export async function installAll(options: InstallOptions = {}): Promise<InstallOutcome[]> {
  const parts = [keycloak, kserve, kserveOpenai, mlserver, h2spec, redis, kubeApiserver];
  return Promise.all(parts.map((part) => installed(part, options)));
}

type Installable = Pick<InstallablePart<unknown>, 'name' | 'available' | 'install'>;

async function installed(part: Installable, options: InstallOptions): Promise<InstallOutcome> {
  const started = performance.now();
  const reason = await install(part, options);
  const seconds = (performance.now() - started) / 1000;
  if (reason === undefined) return { name: part.name, seconds };
  options.onProgress?.(`${part.name}: not installed: ${reason}`);
  return { name: part.name, seconds, reason };
}

async function install(part: Installable, options: InstallOptions): Promise<string | undefined> {
  const availability = await part.available();
  if (!availability.ok) return availability.reason;
  try {
    await part.install(options);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
