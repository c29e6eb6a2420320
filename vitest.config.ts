import { defineConfig } from 'vitest/config';

// Oxc compiles decorators only when asked to; Nest resolves constructor arguments from the metadata they emit.
const oxc = { decorator: { legacy: true, emitDecoratorMetadata: true } };
const resolve = { conditions: ['@modelgate/source'] };
const ssr = { resolve: { conditions: ['@modelgate/source'], externalConditions: ['@modelgate/source'] } };

function suite(name: string, include: string[], timeout: number, globalSetup?: string) {
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
      ...(globalSetup && { globalSetup }),
    },
  };
}

export default defineConfig({
  test: {
    projects: [
      suite('unit', ['libs/**/*.test.ts', 'apps/**/*.test.ts', 'tools/**/*.test.ts', 'packages/**/*.test.ts'], 20_000),
      suite('simulation', ['libs/**/*.sim.ts'], 600_000),
      suite('integration', ['libs/**/*.itest.ts', 'apps/**/*.itest.ts'], 60_000),
      suite('e2e', ['e2e/**/*.e2e.ts'], 120_000, './e2e/stack.setup.ts'),
    ],
  },
});
