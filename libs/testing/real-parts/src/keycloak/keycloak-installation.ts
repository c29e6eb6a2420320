import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { contentHash, ensureEntry, entryFolder } from '../machine/cache-entry.ts';
import { runCommand } from '../machine/command.ts';
import type { Java } from '../machine/java.ts';
import { databaseName, keycloakEnvironment, startKeycloakServer } from './keycloak-server.ts';
import { loopbackPort, startOnFreePort } from '../machine/loopback-port.ts';
import type { Progress } from '../machine/progress.ts';
import { realmFilePath } from './realm-file.ts';
import { RunFolder, runVariable } from '../machine/run-folder.ts';

const keycloakVersion = '26.7.3';
const artifact = `org.keycloak:keycloak-quarkus-dist:${keycloakVersion}:zip`;

// What the suites never touch costs seconds of every start.
const disabledFeatures = [
  'account',
  'admin',
  'ciba',
  'impersonation',
  'kerberos',
  'log-mdc',
  'opentelemetry',
  'organization',
  'passkeys',
  'recovery-codes',
  'step-up-authentication-saml',
  'update-email',
  'user-event-metrics',
  'workflows',
];
const buildOptions = ['--db=dev-file', '--health-enabled=true', `--features-disabled=${disabledFeatures.join(',')}`];

/** Everything a start needs, all of it in the cache and none of it written to by a start. */
export interface KeycloakInstallation {
  java: Java;
  /** Keycloak's own folder, built. */
  home: string;
  /** H2 database with the realm imported; every start copies it. */
  database: string;
  adminPassword: string;
  /** Class archive of this Java and this build; absent where Java could not write one. */
  classes: string | undefined;
}

/** Whether a start needs nothing more than Java. */
export function keycloakIsDownloaded(): boolean {
  return existsSync(entryFolder(serverEntry()));
}

export async function installKeycloak(java: Java, progress: Progress): Promise<KeycloakInstallation> {
  const home = await ensureEntry({ ...serverEntry(), fill: (folder) => fillServer(folder, java, progress) }, progress);
  const classes = join(home, '..', `classes-${keycloakVersion}-${contentHash(java.version, ...buildOptions)}.jsa`);
  const realm = await readFile(realmFilePath);
  const version = `realm-${keycloakVersion}-${contentHash(realm, ...buildOptions)}`;
  const work = (folder: string): Promise<void> => importRealm({ folder, home, java, classes }, progress);
  const imported = await ensureEntry({ part: 'keycloak', version, fill: work }, progress);
  return {
    java,
    home,
    database: join(imported, `${databaseName}.mv.db`),
    adminPassword: await readFile(join(imported, 'admin-password'), 'utf8'),
    classes: existsSync(classes) ? classes : undefined,
  };
}

function serverEntry(): { part: string; version: string } {
  return { part: 'keycloak', version: `server-${keycloakVersion}-${contentHash(...buildOptions)}` };
}

async function fillServer(folder: string, java: Java, progress: Progress): Promise<void> {
  const env = keycloakEnvironment(java, { [runVariable]: folder });
  const download = join(folder, 'download');
  await mkdir(download);
  const maven = ['-B', '-q', 'dependency:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${download}`];
  await progress.during(
    `fetching ${artifact} through Maven (169 MB)`,
    runCommand('mvn', maven, { env, cwd: download }),
  );
  const zip = (await readdir(download)).find((name) => name.endsWith('.zip'));
  if (zip === undefined) throw new Error(`Maven left no zip of ${artifact}`);
  await progress.during('unpacking', unpack(join(download, zip), download));
  const unpacked = join(download, `keycloak-${keycloakVersion}`);
  for (const name of await readdir(unpacked)) await rename(join(unpacked, name), join(folder, name));
  await rm(download, { recursive: true });
  const scripts = (await readdir(join(folder, 'bin'))).filter((name) => name.endsWith('.sh'));
  for (const name of scripts) await chmod(join(folder, 'bin', name), 0o755);
  const build = runCommand(join(folder, 'bin', 'kc.sh'), ['build', ...buildOptions], { env, cwd: folder });
  await progress.during('building the server, once', build);
}

/** Whichever is there; two of the three lose the executable bits, which are set again afterwards. */
async function unpack(zip: string, folder: string): Promise<void> {
  const tools: [string, string[]][] = [
    ['unzip', ['-q', zip, '-d', folder]],
    ['jar', ['xf', zip]],
    ['python3', ['-m', 'zipfile', '-e', zip, folder]],
  ];
  const failures: string[] = [];
  for (const [command, args] of tools) {
    const failure = await runCommand(command, args, { cwd: folder }).then(() => undefined, String);
    if (failure === undefined) return;
    failures.push(failure);
  }
  throw new Error(`the zip of Keycloak could not be unpacked:\n${failures.join('\n')}`);
}

interface RealmImport {
  folder: string;
  home: string;
  java: Java;
  /** Written where it is not there. */
  classes: string;
}

/** Starts the server once on an empty database, which imports the realm, and keeps the database. */
async function importRealm({ folder, home, java, classes }: RealmImport, progress: Progress): Promise<void> {
  const imports = join(home, 'data', 'import');
  await mkdir(imports, { recursive: true });
  await copyFile(realmFilePath, join(imports, 'modelgate-realm.json'));
  const adminPassword = randomBytes(18).toString('base64url');
  const archive = existsSync(classes) ? undefined : join(folder, 'classes.jsa');
  const start = async (): Promise<void> => {
    const run = await RunFolder.create('keycloak-import', undefined, progress);
    const server = await startKeycloakServer({
      java,
      home,
      run,
      port: await loopbackPort(),
      args: ['--import-realm'],
      javaOptions: archive ? [`-XX:ArchiveClassesAtExit=${archive}`] : [],
      env: { KC_BOOTSTRAP_ADMIN_USERNAME: 'admin', KC_BOOTSTRAP_ADMIN_PASSWORD: adminPassword },
      graceMs: 120_000,
      databaseFolder: folder,
    });
    await server.stop();
  };
  await progress.during('importing the realm, once', startOnFreePort(start));
  await rm(imports, { recursive: true, force: true });
  await rm(join(folder, `${databaseName}.trace.db`), { force: true });
  if (archive && existsSync(archive)) await rename(archive, classes);
  await writeFile(join(folder, 'admin-password'), adminPassword, { mode: 0o600 });
}
