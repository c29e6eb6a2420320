import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// Oxc compiles decorators only when asked to; Nest resolves constructor arguments from the metadata they emit.
const oxc = { decorator: { legacy: true, emitDecoratorMetadata: true } };
const resolve = { conditions: ['@modelgate/source'] };
const ssr = { resolve: { conditions: ['@modelgate/source'], externalConditions: ['@modelgate/source'] } };

/** Vitest itself leaves one core idle, which is half of a machine with two. */
const cores = availableParallelism();

interface Suite {
  name: string;
  include: string[];
  /** Of a test and of a hook, in milliseconds: what a slow machine needs that does other things as well. */
  timeout: number;
  maxWorkers: number;
  globalSetup?: string;
}

function suite({ name, include, timeout, maxWorkers, globalSetup }: Suite) {
  return {
    oxc,
    resolve,
    ssr,
    test: {
      name,
      include,
      exclude: ['**/dist/**', '**/node_modules/**'],
      testTimeout: timeout,
      hookTimeout: timeout,
      maxWorkers,
      // Files with a common set-up share what it has started, and count what reaches it.
      ...(globalSetup && { globalSetup, fileParallelism: false }),
    },
  };
}

export default defineConfig({
  test: {
    projects: [
      suite({
        name: 'unit',
        include: ['libs/**/*.test.ts', 'apps/**/*.test.ts', 'tools/**/*.test.ts', 'packages/**/*.test.ts'],
        timeout: 60_000,
        maxWorkers: cores,
      }),
      suite({ name: 'simulation', include: ['libs/**/*.sim.ts'], timeout: 600_000, maxWorkers: cores }),
      suite({
        name: 'integration',
        include: ['libs/**/*.itest.ts', 'apps/**/*.itest.ts'],
        timeout: 120_000,
        // They wait for servers most of the time.
        maxWorkers: cores + 1,
      }),
      suite({
        name: 'e2e',
        include: ['e2e/**/*.e2e.ts'],
        timeout: 300_000,
        maxWorkers: 1,
        globalSetup: './e2e/stack.setup.ts',
      }),
    ],
  },
});
