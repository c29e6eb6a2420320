/** One line of a benchmark: what ran, and its figure in each round. */
export interface Row {
  name: string;
  /** CPU microseconds per request, one figure per round. */
  cpu: number[];
  p50: number[];
  p99: number[];
  errors: number;
}

export interface Report {
  title: string;
  rows: readonly Row[];
  /** Sentences: ratios, goals, what could not be had. */
  notes: readonly string[];
  goalMissed: boolean;
}

/** The least disturbed round: the hardware is shared, and disturbance only ever adds. */
export function best(figures: readonly number[]): number {
  return Math.min(...figures);
}

export function table({ title, rows, notes }: Report): string {
  if (rows.length === 0) return [title, '', ...notes, ''].join('\n');
  const width = Math.max(...rows.map((row) => row.name.length));
  const lines = rows.map((row) => {
    const rounds = row.cpu.map((value) => value.toFixed(1)).join(' / ');
    const figures = `${best(row.cpu).toFixed(1).padStart(7)}   ${best(row.p50).toFixed(2).padStart(6)}   ${best(row.p99).toFixed(2).padStart(6)}`;
    return `${row.name.padEnd(width)}  ${figures}   (${rounds})${row.errors > 0 ? `  ${row.errors} ERRORS` : ''}`;
  });
  const head = `${''.padEnd(width)}  ${'CPU µs'.padStart(7)}   ${'p50 ms'.padStart(6)}   ${'p99 ms'.padStart(6)}   (CPU µs per request, each round)`;
  return [title, '', head, ...lines, '', ...notes, ''].join('\n');
}
