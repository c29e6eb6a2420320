import type { Queries } from './database.ts';

/** Milliseconds since the epoch on the database's clock. */
export async function databaseTime(queries: Queries): Promise<number> {
  const [row] = await queries.$queryRaw<{ now: number }[]>`
    SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now`;
  if (!row) throw new Error('the database did not tell its time');
  return row.now;
}
