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

  it('says what to do about a port that is taken', () => {
    const { status, stderr } = run(`
      const { createServer } = await import('node:net');
      const taken = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => taken.once('listening', resolve));
      const server = createServer().listen(taken.address().port, '127.0.0.1');
      await new Promise((_, reject) => server.once('error', reject));`);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^the process ends: 127\.0\.0\.1:\d+ is taken by another process; set another port.*\n$/);
  });

  it.each([
    ['a host that is none', 'no-such-host.invalid', /no-such-host\.invalid cannot be resolved; set a host/],
    ['a host of another machine', '192.0.2.1', /192\.0\.2\.1:8081 is no address of this machine; set another host/],
  ])('says what to do about %s', (_, host, words) => {
    const { stderr } = run(`
      const { createServer } = await import('node:net');
      const server = createServer().listen(8081, '${host}');
      await new Promise((_, reject) => server.once('error', reject));`);
    expect(stderr).toMatch(words);
  });

  it('goes on when all is well', () => {
    expect(run('')).toMatchObject({ status: 0, stdout: 'went on' });
  });
});
