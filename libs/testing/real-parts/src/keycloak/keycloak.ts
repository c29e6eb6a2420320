import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../machine/command.ts';
import { configuredKeycloak, type ConfiguredKeycloak } from '../machine/environment.ts';
import { findJava, type Java } from '../machine/java.ts';
import { KeycloakAdmin } from './keycloak-admin.ts';
import { installKeycloak, keycloakIsDownloaded, type KeycloakInstallation } from './keycloak-installation.ts';
import { databaseName, startKeycloakServer } from './keycloak-server.ts';
import { loopback, loopbackPort, startOnFreePort } from '../machine/loopback-port.ts';
import { Progress } from '../machine/progress.ts';
import { readRealmFile } from './realm-file.ts';
import { Realm } from './realm.ts';
import type { Availability, InstallablePart, StartOptions } from '../real-part.ts';
import { RunFolder } from '../machine/run-folder.ts';

const name = 'keycloak';

/**
 * Keycloak itself: the one KEYCLOAK_URL names, or the distribution from Maven in the cache. Every start has the realm as
 * deploy/keycloak has it, whatever an earlier one did to it.
 */
export const keycloak: InstallablePart<Realm> = {
  name,

  async available(): Promise<Availability> {
    const configured = configuredKeycloak();
    if (configured) return reachable(configured);
    const java = await findJava();
    if (typeof java === 'string') return { ok: false, reason: java };
    if (keycloakIsDownloaded()) return { ok: true };
    const maven = await runCommand('mvn', ['-v'], { timeoutMs: 20_000 }).then(
      () => true,
      () => false,
    );
    return maven
      ? { ok: true }
      : { ok: false, reason: 'Maven (mvn) is needed to fetch Keycloak and is not on the PATH' };
  },

  async install({ onProgress } = {}): Promise<void> {
    if (!configuredKeycloak()) await installKeycloak(await javaOrThrow(), new Progress(name, onProgress));
  },

  async start(options: StartOptions = {}): Promise<Realm> {
    const progress = new Progress(name, options.onProgress);
    const configured = configuredKeycloak();
    if (configured) return configuredRealm(configured);
    const installation = await installKeycloak(await javaOrThrow(), progress);
    return progress.during(
      'starting',
      startOnFreePort(() => startRealm(installation, options, progress)),
    );
  },
};

async function startRealm(
  installation: KeycloakInstallation,
  options: StartOptions,
  progress: Progress,
): Promise<Realm> {
  const port = await loopbackPort(options.port);
  const run = await RunFolder.create(name, options.stateFolder, progress);
  await copyFile(installation.database, join(run.path, `${databaseName}.mv.db`));
  const server = await startKeycloakServer({
    ...installation,
    run,
    port,
    databaseFolder: run.path,
    javaOptions: installation.classes ? [`-XX:SharedArchiveFile=${installation.classes}`] : [],
    ...(options.onExit && { onExit: options.onExit }),
  });
  const admin = { username: 'admin', password: installation.adminPassword };
  return realmAt(`http://${loopback}:${port}`, admin, () => server.stop());
}

function realmAt(url: string, admin: { username: string; password: string }, stop: () => Promise<void>): Realm {
  const rotate = (): Promise<{ kid: string }> => new KeycloakAdmin(url, admin).rotateKeys(readRealmFile().realm);
  return new Realm({ kind: 'keycloak', url, admin, rotate, stop });
}

/** It is not ours to stop. */
async function configuredRealm(configured: ConfiguredKeycloak): Promise<Realm> {
  const availability = await reachable(configured);
  if (!availability.ok) throw new Error(availability.reason);
  return realmAt(configured.url, configured.admin, () => Promise.resolve());
}

async function reachable({ url }: ConfiguredKeycloak): Promise<Availability> {
  const { realm } = readRealmFile();
  const metadata = `${url}/realms/${realm}/.well-known/openid-configuration`;
  try {
    const response = await fetch(metadata, { redirect: 'error', signal: AbortSignal.timeout(10_000) });
    await response.arrayBuffer();
    if (response.ok) return { ok: true };
    const remedy = `import deploy/keycloak/${realm}-realm.json there`;
    return { ok: false, reason: `KEYCLOAK_URL ${url} answered ${response.status} for realm ${realm}: ${remedy}` };
  } catch {
    return { ok: false, reason: `KEYCLOAK_URL ${url} cannot be reached` };
  }
}

async function javaOrThrow(): Promise<Java> {
  const java = await findJava();
  if (typeof java === 'string') throw new Error(java);
  return java;
}
