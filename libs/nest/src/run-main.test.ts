import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

const source = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);

/** Runs a main function in a process of its own: what is tested is how that process ends. */
function run(main: string): { status: number | null; stdout: string; stderr: string } {
  const program = `
    import { runMain } from ${source('./run-main.ts')};
    import { ConfigurationError } from ${source('./configuration.ts')};
    await runMain(async () => { ${main} });
    process.stdout.write('went on');`;
  return spawnSync(process.execPath, ['--conditions=@modelgate/source', '--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
}

describe('runMain', () => {
  it('prints every problem of a wrong configuration and ends with 78', () => {
    const { status, stdout, stderr } = run(`throw new ConfigurationError(['A is missing; set it', 'B: not a port']);`);
    expect(status).toBe(78);
    expect(stderr).toBe('the configuration has 2 problems:\n  - A is missing; set it\n  - B: not a port\n');
    expect(stdout).toBe('');
  });

  it('ends with 1 for everything else', () => {
    const { status, stderr } = run(`throw new TypeError('unforeseen');`);
    expect(status).toBe(1);
    expect(stderr).toContain('the process ends: TypeError: unforeseen');
  });

  it('goes on when all is well', () => {
    expect(run('')).toMatchObject({ status: 0, stdout: 'went on' });
  });
});
