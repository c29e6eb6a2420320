import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

const run = (script: string, ...args: string[]) => {
  const flags = ['--conditions=@modelgate/source', '--disable-warning=ExperimentalWarning'];
  const file = new URL(script, import.meta.url).pathname;
  return spawnSync(process.execPath, [...flags, file, ...args], { encoding: 'utf8', timeout: 20_000 });
};

describe.each(['start', 'test', 'check', 'bench', 'build', 'generate'])('npm run %s', (command) => {
  it('explains itself', () => {
    const { status, stdout, stderr } = run(`${command}.ts`, '--help');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^npm /);
  });

  it('names an option that it does not have, and does nothing', () => {
    const { status, stdout, stderr } = run(`${command}.ts`, '--bogus');
    expect({ status, stdout }).toEqual({ status: 64, stdout: '' });
    expect(stderr).toMatch(/^.*--bogus.*\n\nnpm /);
  });

  it('names an argument that it does not know', () => {
    const { status, stderr } = run(`${command}.ts`, 'nosuch');
    expect(status).toBe(64);
    expect(stderr.split('\n')[0]).toContain('nosuch');
  });
});
