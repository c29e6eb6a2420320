/**
 * Writes what one vitest run came to as JSON, with the reason of every skip: vitest's own JSON reporter leaves the
 * reasons out, and a suite that was skipped without one looks the same as a suite that passed.
 */
import { writeFileSync } from 'node:fs';
import type { Reporter, TestCase, TestModule } from 'vitest/node';

export interface Tally {
  passed: number;
  /** By name, so that the end of a long log says them again. */
  failed: string[];
  skipped: { name: string; reason: string }[];
}

export class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const tally: Tally = { passed: 0, failed: errors.map(() => 'an error outside of any test'), skipped: [] };
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      for (const test of tests) count(tally, test, module);
      if (module.errors().length > 0 || (!module.ok() && !tests.some((test) => test.result().state === 'failed'))) {
        tally.failed.push(module.relativeModuleId);
      }
    }
    const file = process.env['MODELGATE_TALLY'];
    if (file) writeFileSync(file, JSON.stringify(tally));
  }
}

function count(tally: Tally, test: TestCase, module: TestModule): void {
  const result = test.result();
  if (result.state === 'passed') tally.passed++;
  else if (result.state === 'failed') tally.failed.push(`${module.relativeModuleId} > ${test.fullName}`);
  else {
    const reason = (result.state === 'skipped' && result.note) || 'no reason given';
    tally.skipped.push({ name: `${module.relativeModuleId} > ${test.fullName}`, reason });
  }
}

// Vitest loads a reporter by its file's default export.
// oxlint-disable-next-line import/no-default-export
export default TallyReporter;
