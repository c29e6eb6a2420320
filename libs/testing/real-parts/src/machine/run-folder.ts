import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cacheFolder } from './environment.ts';
import { groupRuns, processesWith, processIdentity, send } from './process-table.ts';
import type { Progress } from './progress.ts';

/** Carried by every process of a run, so that a later run can tell which ones are ours. */
export const runVariable = 'MODELGATE_RUN';
const recordFile = 'run.json';
const defaultGraceMs = 10_000;

interface ProcessRecord {
  pid: number;
  /** From `processIdentity`. */
  identity: string;
}

interface RunRecord {
  part: string;
  /** Who started it and will stop it. */
  owner: ProcessRecord;
  /** Leader of the server's process group. */
  server?: ProcessRecord;
}

/** What one started part writes, on disk for as long as it runs. */
export class RunFolder {
  readonly path: string;
  readonly logFile: string;
  readonly #part: string;

  private constructor(path: string, part: string) {
    this.path = path;
    this.logFile = join(path, `${part}.log`);
    this.#part = part;
  }

  /** Ends first what earlier runs of this part left behind, where whoever started them is gone. */
  static async create(part: string, stateFolder: string | undefined, progress: Progress): Promise<RunFolder> {
    const state = stateFolder ?? join(cacheFolder(), 'run');
    mkdirSync(state, { recursive: true, mode: 0o700 });
    await endStaleRuns(state, part, progress);
    const run = new RunFolder(mkdtempSync(join(state, `${part}-`)), part);
    run.#write({});
    return run;
  }

  /** @param pid leader of the server's process group */
  recordServer(pid: number): void {
    const identity = processIdentity(pid);
    if (identity !== undefined) this.#write({ server: { pid, identity } });
  }

  async remove(): Promise<void> {
    await removeFolder(this.path);
  }

  #write(more: Pick<RunRecord, 'server'>): void {
    const owner = { pid: process.pid, identity: processIdentity(process.pid) ?? '' };
    const record: RunRecord = { part: this.#part, owner, ...more };
    writeFileSync(join(this.path, recordFile), JSON.stringify(record), { mode: 0o600 });
  }
}

/** Ends the group and everything else that carries the run's mark: asked first, killed after `graceMs`. */
export async function endRun(path: string, group: number | undefined, graceMs = defaultGraceMs): Promise<void> {
  signalRun(path, group, 'SIGTERM');
  const deadline = Date.now() + graceMs;
  while (runLives(path, group)) {
    if (Date.now() > deadline) signalRun(path, group, 'SIGKILL');
    await sleep(50);
  }
}

export function signalRun(path: string, group: number | undefined, signal: NodeJS.Signals): void {
  if (group !== undefined) send(-group, signal);
  for (const pid of processesWith(runVariable, path)) send(pid, signal);
}

function runLives(path: string, group: number | undefined): boolean {
  return (group !== undefined && groupRuns(group)) || processesWith(runVariable, path).length > 0;
}

/** Pids of those who run this part now and are not this process. */
export function liveOwners(part: string, state: string): number[] {
  if (!existsSync(state)) return [];
  const names = readdirSync(state).filter((name) => name.startsWith(`${part}-`));
  const owners = names.flatMap((name) => readRecord(join(state, name))?.owner ?? []);
  return owners.filter((owner) => owner.pid !== process.pid && isSame(owner)).map(({ pid }) => pid);
}

async function endStaleRuns(state: string, part: string, progress: Progress): Promise<void> {
  const names = readdirSync(state).filter((name) => name.startsWith(`${part}-`));
  for (const name of names) {
    const path = join(state, name);
    const record = readRecord(path);
    if (record?.part !== part || isSame(record.owner)) continue;
    const ours = record.server && isSame(record.server) ? record.server.pid : undefined;
    if (runLives(path, ours)) {
      progress.note(
        `ending the server of an earlier run that was not stopped (pid ${record.server?.pid ?? 'unknown'})`,
      );
      await endRun(path, ours);
    }
    await removeFolder(path);
  }
}

/** A pid that was given to another process since is nobody of ours. */
function isSame({ pid, identity }: ProcessRecord): boolean {
  return processIdentity(pid) === identity;
}

function readRecord(path: string): RunRecord | undefined {
  try {
    const record: unknown = JSON.parse(readFileSync(join(path, recordFile), 'utf8'));
    return isRunRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

function isRunRecord(value: unknown): value is RunRecord {
  if (typeof value !== 'object' || value === null || !('part' in value) || !('owner' in value)) return false;
  return (
    typeof value.part === 'string' &&
    isProcessRecord(value.owner) &&
    (!('server' in value) || isProcessRecord(value.server))
  );
}

function isProcessRecord(value: unknown): value is ProcessRecord {
  if (typeof value !== 'object' || value === null || !('pid' in value) || !('identity' in value)) return false;
  return Number.isSafeInteger(value.pid) && Number(value.pid) > 1 && typeof value.identity === 'string';
}

function removeFolder(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
