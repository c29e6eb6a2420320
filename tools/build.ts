/**
 * `npm run build`: the Prisma client and every project's dist, in the order their references give.
 */
import { readArguments } from './command-line.ts';
import { step, tool } from './step.ts';

const help = `npm run build: the Prisma client and every project’s dist, in the order their references give.\n`;

/** @returns whether everything built */
export async function build(): Promise<boolean> {
  if ((await step('prisma client', tool('prisma-generate.ts'))) !== 0) return false;
  return (await step('build', ['tsc', '-b'])) === 0;
}

if (import.meta.main) {
  readArguments(help, {});
  process.exitCode = (await build()) ? 0 : 1;
}
