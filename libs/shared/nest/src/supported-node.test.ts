import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

/** What a process does that claims to run on this version. */
function on(version: string): { status: number | null; stdout: string; stderr: string } {
  const module = JSON.stringify(new URL('./supported-node.ts', import.meta.url).href);
  const program = `
    Object.defineProperty(process.versions, 'node', { value: '${version}' });
    await import(${module});
    process.stdout.write('goes on');`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
}

describe('a service', () => {
  it.each(['24.0.0', '100.1.0'])('goes on with Node %s', (version) => {
    expect(on(version)).toMatchObject({ status: 0, stdout: 'goes on' });
  });

  it.each(['20.20.2', '23.11.1'])('says what it needs where Node is %s', (version) => {
    const stderr = `Modelgate's services need Node 24 or newer; this is Node ${version}.\n`;
    expect(on(version)).toMatchObject({ status: 69, stdout: '', stderr });
  });
});
