import { cpus, release, totalmem } from 'node:os';

/** One line of a benchmark: what ran, and its figure in each round. */
export interface Row {
  name: string;
  /** CPU microseconds per request, one figure per round. */
  cpu: number[];
  /** Milliseconds, of one request at a time. */
  p50: number[];
  p99: number[];
  errors: number;
  /** The statuses of requests that should be refused. */
  refuses?: readonly number[];
}

/** What was measured in the same way, side by side. */
export interface Section {
  title: string;
  rows: readonly Row[];
  /** Sentences: ratios and goals. */
  notes: readonly string[];
}

export interface Report {
  title: string;
  sections: readonly Section[];
  /** Sentences: how it was measured, what could not be had. */
  notes: readonly string[];
  goalMissed: boolean;
}

/** The least disturbed round: the hardware is shared, and disturbance only ever adds. */
export function best(figures: readonly number[]): number {
  return Math.min(...figures);
}

/** What the figures depend on. */
export function machine(): string {
  const [cpu] = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GB`;
  return `${cpus().length} cores of ${cpu?.model ?? 'an unknown kind'}, ${memory}, Linux ${release().split('-')[0]}, Node ${process.versions.node}`;
}

export function reportText({ title, sections, notes }: Report): string {
  return [title, machine(), '', ...sections.map(sectionText), ...notes, ''].join('\n');
}

export function sectionText({ title, rows, notes }: Section): string {
  return [title, '', ...(rows.length > 0 ? [...table(rows), ''] : []), ...notes, '', ''].join('\n');
}

function table(rows: readonly Row[]): string[] {
  const cells = [['', 'CPU µs', 'p50 ms', 'p99 ms', 'each round', 'refuses'], ...rows.map(cellsOf)];
  const widths = cells[0]?.map((_, at) => Math.max(...cells.map((row) => row[at]?.length ?? 0))) ?? [];
  const aligned = (cell: string, at: number): string =>
    at === 0 || at > 3 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0);
  return cells.map((row) => row.map(aligned).join('   ').trimEnd());
}

function cellsOf({ name, cpu, p50, p99, errors, refuses = [] }: Row): string[] {
  const rounds = cpu.map((value) => value.toFixed(1)).join(' / ');
  const said = `${refuses.join(' ')}${errors > 0 ? `  ${errors} ERRORS` : ''}`;
  return [name, best(cpu).toFixed(1), latency(p50), latency(p99), rounds, said];
}

function latency(figures: readonly number[]): string {
  return figures.length === 0 ? '–' : best(figures).toFixed(3);
}
