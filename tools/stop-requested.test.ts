import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';

const script = `
const { stopRequested } = await import(${JSON.stringify(new URL('stop-requested.ts', import.meta.url).href)});
const stopped = stopRequested();
console.log('up');
const busy = setInterval(() => undefined, 1_000);
await stopped;
console.log('stopping');
setTimeout(() => clearInterval(busy), 4_000);
`;

async function start(): Promise<{ child: ChildProcess; heard: (line: string) => Promise<void> }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  createInterface(child.stdout).on('line', (line) => lines.push(line));
  const heard = async (line: string): Promise<void> => {
    for (let tries = 0; tries < 1_200 && !lines.includes(line); tries++) await sleep(25);
    expect(lines).toContain(line);
  };
  await heard('up');
  return { child, heard };
}

it('a Ctrl-C that three processes pass on is one, and is waited for to the end', async () => {
  const { child, heard } = await start();
  const ended = once(child, 'exit');
  for (let time = 0; time < 3; time++) {
    child.kill('SIGINT');
    await sleep(50);
  }
  await heard('stopping');
  expect(await ended).toEqual([0, null]);
}, 60_000);

it('another one ends the process at once', async () => {
  const { child, heard } = await start();
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  await heard('stopping');
  await sleep(1_500);
  child.kill('SIGINT');
  expect(await ended).toEqual([130, null]);
}, 60_000);
