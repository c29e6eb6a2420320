import { spawn } from 'node:child_process';
import { expect, it, vi } from 'vitest';

const source = JSON.stringify(new URL('./run-service.ts', import.meta.url).href);
const patient = { timeout: 40_000, interval: 10 };

/** Runs a service in a process of its own: what is tested is what a signal does to that process. */
function run(start: string) {
  const program = `
    import { runService } from ${source};
    setInterval(() => undefined, 1000);
    await runService({
      app: 'test', args: [], environment: {}, settings: {}, readConfig: () => ({ LOG_LEVEL: 'info' }),
      start: async () => { ${start} },
    });
    process.stdout.write('started\\n');`;
  const child = spawn(process.execPath, ['--conditions=@modelgate/source', '--input-type=module', '-e', program]);
  let out = '';
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  const ended = new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal)));
  const said = (text: string, times = 1): Promise<void> =>
    vi.waitFor(() => expect(out.split(text)).toHaveLength(times + 1), patient);
  return { child, ended, said };
}

const close = 'close: async () => undefined';

it('SIGHUP reloads, as often as it comes', async () => {
  const { child, ended, said } = run(
    `return { reload: async () => void process.stdout.write('read again\\n'), ${close} };`,
  );
  await said('started');
  for (const times of [1, 2]) {
    child.kill('SIGHUP');
    await said('read again', times);
  }
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
}, 60_000);

it('SIGHUP ends neither a service that is starting nor one that has nothing to reload', async () => {
  const { child, ended, said } = run(`
    process.stdout.write('starting\\n');
    await new Promise((resolve) => process.stdin.once('data', resolve));
    return { ${close} };`);
  await said('starting');
  child.kill('SIGHUP');
  await said('there is nothing to reload');
  child.stdin.write('go on\n');
  await said('started');
  child.kill('SIGHUP');
  await said('there is nothing to reload', 2);
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
}, 60_000);
