/**
 * `npm run build`: the Prisma client and every project's dist, in the order their references give.
 */
import { step, tool } from './step.ts';

/** @returns whether everything built */
export async function build(): Promise<boolean> {
  if ((await step('prisma client', tool('prisma-generate.ts'))) !== 0) return false;
  return (await step('build', ['tsc', '-b'])) === 0;
}

if (import.meta.main) process.exitCode = (await build()) ? 0 : 1;
