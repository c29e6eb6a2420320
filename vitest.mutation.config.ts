import { defineConfig } from 'vitest/config';

/** For the mutants: the unit tests of the libraries that are mutated, in one project. */
export default defineConfig({
  resolve: { conditions: ['@modelgate/source'] },
  ssr: { resolve: { conditions: ['@modelgate/source'], externalConditions: ['@modelgate/source'] } },
  test: {
    include: ['libs/{scope,verifier,catalogue,model-registry,inference}/**/*.test.ts'],
    exclude: ['**/dist/**', '**/node_modules/**'],
    testTimeout: 20_000,
  },
});
