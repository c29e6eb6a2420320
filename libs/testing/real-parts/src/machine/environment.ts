import { homedir } from 'node:os';
import { join } from 'node:path';

// These are settings of the person at the terminal, read by suites and scripts alike: no application configures them.
// oxlint-disable-next-line node/no-process-env
const environment = process.env;

/** MODELGATE_CACHE, or `modelgate` in the user's cache folder. Everything downloaded or built lives under it. */
export function cacheFolder(): string {
  const configured = setting('MODELGATE_CACHE');
  return configured ?? join(setting('XDG_CACHE_HOME') ?? join(homedir(), '.cache'), 'modelgate');
}

export interface ConfiguredKeycloak {
  /** Without a trailing slash. */
  url: string;
  /** Of the master realm; only the rotation of realm keys needs it. */
  admin: { username: string; password: string };
}

/** KEYCLOAK_URL: a Keycloak that runs already, with the realm imported. */
export function configuredKeycloak(): ConfiguredKeycloak | undefined {
  const url = setting('KEYCLOAK_URL')?.replace(/\/+$/, '');
  const username = setting('KEYCLOAK_ADMIN_USERNAME') ?? 'admin';
  const password = setting('KEYCLOAK_ADMIN_PASSWORD') ?? 'admin';
  return url === undefined ? undefined : { url, admin: { username, password } };
}

/** MODELGATE_REQUIRE=all: a missing real part is a failure, not a skip. */
export function everyPartRequired(): boolean {
  return setting('MODELGATE_REQUIRE') === 'all';
}

/** JAVA_HOME, where one is set. */
export function configuredJavaHome(): string | undefined {
  return setting('JAVA_HOME');
}

/**
 * What a child process gets: the caller's environment (proxies, certificates, indexes, PATH) without the variables that
 * would change the part itself.
 *
 * @param extra set last
 * @param without beginnings of names that are left out
 */
export function childEnvironment(
  extra: Readonly<Record<string, string>>,
  without: readonly string[] = [],
): NodeJS.ProcessEnv {
  const kept = Object.entries(environment).filter(([name]) => !without.some((start) => name.startsWith(start)));
  return { ...Object.fromEntries(kept), ...extra };
}

function setting(name: string): string | undefined {
  return environment[name] || undefined;
}

/** DATABASE_URL: a PostgreSQL that runs already, in which this user may create databases. */
export function configuredDatabase(): string | undefined {
  return setting('DATABASE_URL');
}

/** KUBEBUILDER_ASSETS: a folder with an etcd and a kube-apiserver that are there already, as setup-envtest makes it. */
export function configuredKubernetesBinaries(): string | undefined {
  return setting('KUBEBUILDER_ASSETS');
}
