import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const onLinux = existsSync('/proc/self/stat');

/**
 * What tells this process from a later one with the same pid: its start time, with the boot it belongs to.
 *
 * @returns undefined where there is no such process
 */
export function processIdentity(pid: number): string | undefined {
  if (!onLinux) return startedAccordingToPs(pid);
  const stat = readProc(pid, 'stat');
  if (stat === undefined || stateOf(stat) === 'Z') return undefined;
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return `${boot}:${fields(stat)[19] ?? ''}`;
}

/**
 * Processes whose environment carries this variable with exactly this value, whatever became of the process that
 * started them. Only Linux shows that; elsewhere the list is empty.
 */
export function processesWith(variable: string, value: string): number[] {
  if (!onLinux) return [];
  const wanted = `${variable}=${value}`;
  return allProcesses().filter((pid) => isRunning(pid) && readProc(pid, 'environ')?.split('\0').includes(wanted));
}

/** Whether any process of the group still runs; a zombie, which only waits for its parent to look, does not count. */
export function groupRuns(group: number): boolean {
  if (onLinux) return allProcesses().some((pid) => groupOf(pid) === group && isRunning(pid));
  return send(-group, 0);
}

/**
 * @param pid negative: the whole group
 * @returns false where there is nobody to signal
 */
export function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

function allProcesses(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function isRunning(pid: number): boolean {
  const stat = readProc(pid, 'stat');
  return stat !== undefined && stateOf(stat) !== 'Z';
}

function groupOf(pid: number): number | undefined {
  const stat = readProc(pid, 'stat');
  return stat === undefined ? undefined : Number(fields(stat)[2]);
}

function stateOf(stat: string): string | undefined {
  return fields(stat)[0];
}

// The second field is the command's name in brackets and may hold anything, brackets and spaces included.
function fields(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}

function startedAccordingToPs(pid: number): string | undefined {
  try {
    const started = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', stdio: 'pipe' });
    return started.trim() || undefined;
  } catch {
    return undefined;
  }
}
