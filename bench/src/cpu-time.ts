import { readFileSync } from 'node:fs';

// What Linux counts CPU time in: 100 ticks a second on every machine Node runs on.
const microsecondsPerTick = 10_000;

/** CPU time, user and system, that `pids` have used so far, in microseconds. */
export function cpuMicroseconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + ticks(pid) * microsecondsPerTick, 0);
}

function ticks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The command stands in brackets and may hold anything; what follows the last bracket is plain numbers.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
