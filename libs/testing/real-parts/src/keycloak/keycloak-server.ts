import { join } from 'node:path';
import { childEnvironment } from '../machine/environment.ts';
import type { Java } from '../machine/java.ts';
import { loopback, loopbackPort } from '../machine/loopback-port.ts';
import type { RunFolder } from '../machine/run-folder.ts';
import { ServerProcess } from '../machine/server-process.ts';

/** Name of the H2 database, without its ending. */
export const databaseName = 'keycloakdb';

export interface KeycloakServerOptions {
  java: Java;
  /** Keycloak's own folder, built. */
  home: string;
  run: RunFolder;
  port: number;
  /** Where the H2 database is, or comes to be. */
  databaseFolder: string;
  args?: readonly string[];
  javaOptions?: readonly string[];
  env?: Readonly<Record<string, string>>;
  graceMs?: number;
  onExit?: (report: string) => void;
}

/** The built server on loopback. It writes into the run and the database folder and nowhere else. */
export async function startKeycloakServer(options: KeycloakServerOptions): Promise<ServerProcess> {
  const { java, home, run, port } = options;
  const managementPort = await loopbackPort();
  return ServerProcess.start({
    part: 'keycloak',
    command: join(home, 'bin', 'kc.sh'),
    args: [
      'start',
      '--optimized',
      '--cache=local',
      '--http-enabled=true',
      `--http-host=${loopback}`,
      `--http-port=${port}`,
      `--hostname=http://${loopback}:${port}`,
      `--http-management-host=${loopback}`,
      `--http-management-port=${managementPort}`,
      `--db-url=jdbc:h2:file:${join(options.databaseFolder, databaseName)};NON_KEYWORDS=VALUE`,
      ...(options.args ?? []),
    ],
    env: keycloakEnvironment(java, {
      ...options.env,
      JAVA_OPTS_KC_HEAP: '-Xms128m -Xmx512m',
      JAVA_OPTS_APPEND: [...javaOptions(run), ...(options.javaOptions ?? [])].join(' '),
    }),
    run,
    readyUrl: `http://${loopback}:${managementPort}/health/ready`,
    // Each look while it is not ready writes a line into its log.
    pollMs: 300,
    ...(options.graceMs && { graceMs: options.graceMs }),
    ...(options.onExit && { onExit: options.onExit }),
  });
}

/** The caller's environment without what would change the server: its own KC_ variables and options of the Java machine. */
export function keycloakEnvironment(java: Java, extra: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return childEnvironment({ ...extra, JAVA: java.command }, ['KC_', 'JAVA_OPTS', 'JAVA_ADD_OPENS', 'JAVA_LOCALE']);
}

// The quick compiler and the simple collector: the server is to start fast, not to be measured.
function javaOptions(run: RunFolder): string[] {
  return [
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    '-XX:-UseG1GC',
    '-Xlog:cds=off',
    '-Xlog:cds+dynamic=off',
    `-Dquarkus.transaction-manager.object-store.directory=${join(run.path, 'transactions')}`,
    `-Djava.io.tmpdir=${run.path}`,
  ];
}
