import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lastingLoopbackPort } from './loopback-port.ts';
import { processesWith, processIdentity, send } from './process-table.ts';
import { Progress } from './progress.ts';
import { RunFolder, runVariable } from './run-folder.ts';
import { ServerFailed, ServerProcess, type ServerOptions } from './server-process.ts';

const told: string[] = [];
const progress = new Progress('part', (text) => told.push(text));
let state: string;

// A server with a child of its own, as a start script with its server behind it; both know their pids by file.
const serving = `
  import { spawn } from 'node:child_process';
  import { writeFileSync } from 'node:fs';
  import { createServer } from 'node:http';
  const child = spawn(process.execPath, ['-e', (process.argv[2] ?? '') + 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
  writeFileSync('pids', process.pid + ' ' + child.pid);
  createServer((_, response) => response.end('ready')).listen(Number(process.argv[1]), '127.0.0.1');
`;

beforeEach(() => {
  told.length = 0;
  state = mkdtempSync(join(tmpdir(), 'modelgate-state-'));
});
afterEach(() => {
  rmSync(state, { recursive: true });
});

async function options(script: string, ...args: string[]): Promise<ServerOptions> {
  const port = await lastingLoopbackPort();
  return {
    part: 'part',
    command: process.execPath,
    args: ['--input-type=module', '-e', script, String(port), ...args],
    env: {},
    run: await RunFolder.create('part', state, progress),
    readyUrl: `http://127.0.0.1:${port}/`,
    pollMs: 20,
    graceMs: 500,
  };
}

describe.skipIf(process.platform !== 'linux')('the whole tree', () => {
  test('ends with the server, and the run folder with it', async () => {
    const settings = await options(serving);
    const server = await ServerProcess.start(settings);
    expect(processesWith(runVariable, settings.run.path)).toHaveLength(2);
    await Promise.all([server.stop(), server.stop()]);
    expect(processesWith(runVariable, settings.run.path)).toEqual([]);
    expect([processIdentity(server.pid), readdirSync(state)]).toEqual([undefined, []]);
  });

  test('is killed where a part of it does not listen to a request to end', async () => {
    const settings = await options(serving, "process.on('SIGTERM', () => {});");
    const server = await ServerProcess.start(settings);
    await server.stop();
    expect(processesWith(runVariable, settings.run.path)).toEqual([]);
  });

  test('of a run whose owner died is ended by the next one', async () => {
    const source = (file: string): string => JSON.stringify(fileURLToPath(new URL(file, import.meta.url)));
    const owner = `
      import { ServerProcess } from ${source('server-process.ts')};
      import { RunFolder } from ${source('run-folder.ts')};
      import { Progress } from ${source('progress.ts')};
      const settings = JSON.parse(process.argv[1]);
      settings.run = await RunFolder.create('part', ${JSON.stringify(state)}, new Progress('part'));
      await ServerProcess.start(settings);
      console.log(settings.run.path);
      process.kill(process.pid, 'SIGKILL');`;
    const { run, ...settings } = await options(serving);
    await run.remove();
    const crashing = spawn(process.execPath, ['--input-type=module', '-e', owner, JSON.stringify(settings)], {
      stdio: 'pipe',
    });
    const output = await new Promise<string>((resolve) => crashing.stdout.setEncoding('utf8').once('data', resolve));
    await new Promise((resolve) => crashing.once('exit', resolve));
    const left = output.trim();
    expect(processesWith(runVariable, left)).toHaveLength(2);
    const next = await RunFolder.create('part', state, progress);
    expect([processesWith(runVariable, left), existsSync(left)]).toEqual([[], false]);
    expect(told).toEqual([
      expect.stringMatching(/^part: ending the server of an earlier run that was not stopped \(pid \d+\)$/),
    ]);
    await next.remove();
  });
});

test('a server that dies is reported once, with its last lines', async () => {
  const reports: string[] = [];
  const died = Promise.withResolvers<void>();
  const settings = await options(`console.error('disk full');${serving}`);
  const onExit = (report: string): void => {
    reports.push(report);
    died.resolve();
  };
  const server = await ServerProcess.start({ ...settings, onExit });
  process.kill(server.pid, 'SIGKILL');
  await died.promise;
  expect(reports).toEqual(['part ended by itself (SIGKILL); the last lines of its log:\ndisk full']);
  await server.stop();
  expect([reports.length, readdirSync(state)]).toEqual([1, []]);
});

test('a server that is stopped is not reported', async () => {
  const reports: string[] = [];
  const server = await ServerProcess.start({ ...(await options(serving)), onExit: (report) => reports.push(report) });
  await server.stop();
  expect(reports).toEqual([]);
});

test.each([
  [
    'ends before it is ready',
    "console.error('no such option'); process.exit(3)",
    /ended before it was ready \(exit 3\).*no such option/s,
  ],
  ['is not a program', undefined, /ended before it was ready \(spawn .* ENOENT\)/],
])('a server that %s fails to start and leaves nothing', async (_, script, message) => {
  const settings = await options(script ?? '');
  const command = script === undefined ? join(state, 'absent') : settings.command;
  const start = ServerProcess.start({ ...settings, command });
  await expect(start).rejects.toThrow(ServerFailed);
  await expect(start).rejects.toThrow(message);
  expect(readdirSync(state)).toEqual([]);
});

describe('folders of earlier runs', () => {
  const record = (folder: string, run: object): void => {
    mkdirSync(join(state, folder));
    writeFileSync(join(state, folder, 'run.json'), JSON.stringify(run));
  };
  const gone = { pid: 4_194_300, identity: 'of a process that is gone' };

  test('a pid that belongs to somebody else by now is left alone', async () => {
    const bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
      detached: true,
      stdio: 'ignore',
    });
    record('part-stale', { part: 'part', owner: gone, server: { pid: bystander.pid, identity: 'of another process' } });
    const run = await RunFolder.create('part', state, progress);
    expect(readdirSync(state)).toEqual([run.path.slice(state.length + 1)]);
    expect([send(bystander.pid ?? 0, 0), told]).toEqual([true, []]);
    bystander.kill('SIGKILL');
    await run.remove();
  });

  test('another run that is in use, another part’s and an unreadable one are left alone', async () => {
    const owner = { pid: process.pid, identity: processIdentity(process.pid) };
    record('part-used', { part: 'part', owner });
    record('part-other-1', { part: 'part-other', owner: gone });
    record('part-foreign', { something: 'else' });
    const run = await RunFolder.create('part', state, progress);
    const kept = ['part-foreign', 'part-other-1', 'part-used', run.path.slice(state.length + 1)];
    expect(readdirSync(state).sort()).toEqual(kept.sort());
  });
});
