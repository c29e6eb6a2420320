import { createLogger } from '@modelgate/nest';
import { postgres, redis, requireOrSkip, type PostgresServer, type RedisServer } from '@modelgate/real-parts';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { env } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { JobScheduler, type ScheduledJob } from './job-scheduler.ts';

let server: PostgresServer & { stop(): Promise<void> };
let lines: string[];
const running: JobScheduler[] = [];
const children: ChildProcess[] = [];
beforeAll(async () => {
  server = await postgres.start();
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((scheduler) => scheduler.stop()));
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(() => server.stop());

interface Place {
  databaseUrl: string;
  redisUrl?: string;
}

function start(place: Place, ...jobs: ScheduledJob[]): JobScheduler {
  lines = [];
  const logger = createLogger('jobs', 'info', { write: (line: string) => void lines.push(line) });
  const scheduler = new JobScheduler({ redisUrl: undefined, ...place, jobs, logger });
  scheduler.start();
  running.push(scheduler);
  return scheduler;
}

function counting(name: string, fails = false): ScheduledJob & { runs: number[] } {
  const runs: number[] = [];
  const run = (): Promise<void> => {
    runs.push(Date.now());
    return fails ? Promise.reject(new Error('the job failed')) : Promise.resolve();
  };
  return { name, everySeconds: 1, runs, run };
}

async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1_200 && !holds(); turn++) await sleep(50);
  expect(holds()).toBe(true);
}

/** What a queue has to do, whatever it is kept in. */
function contract(place: (name: string) => Promise<Place>): void {
  it('ticks again and again, each job by its name', async () => {
    const [one, other] = [counting('one'), counting('other')];
    start(await place('ticks'), one, other);
    await until(() => one.runs.length >= 3 && other.runs.length >= 3);
  });

  it('does not tick twice as often where two processes schedule', async () => {
    const at = await place('twice');
    const [one, other] = [counting('tick'), counting('tick')];
    start(at, one);
    start(at, other);
    await until(() => one.runs.length + other.runs.length >= 2);
    const before = one.runs.length + other.runs.length;
    const since = Date.now();
    await sleep(5_000);
    const seconds = (Date.now() - since) / 1000;
    expect(one.runs.length + other.runs.length - before).toBeLessThanOrEqual(Math.ceil(seconds) + 2);
  });

  it('goes on where a job throws, and says so', async () => {
    const [failing, good] = [counting('failing', true), counting('good')];
    start(await place('throws'), failing, good);
    await until(() => failing.runs.length >= 2 && good.runs.length >= 2);
    expect(lines.join('')).toContain('the job failed');
  });

  it('is taken over by another process where one stops', async () => {
    const at = await place('takeover');
    const [first, second] = [counting('tick'), counting('tick')];
    const stopped = start(at, first);
    await until(() => first.runs.length >= 1);
    await stopped.stop();
    start(at, second);
    await until(() => second.runs.length >= 2);
  });

  it('goes on where a process stands still in the middle of a job, and where it is killed there', async ({ skip }) => {
    skip(!existsSync(built), 'the token service is not built: npm run build');
    const at = await place('stuck');
    const stuck = await takeAndStandStill(at);
    const other = counting('tick');
    start(at, other);
    await until(() => other.runs.length >= 2);
    stuck.kill('SIGKILL');
    const before = other.runs.length;
    await until(() => other.runs.length >= before + 2);
  });
}

const built = new URL('../../dist/jobs/job-scheduler.js', import.meta.url);
/** Takes a job, says so, and stands still in the middle of it for ever: its event loop, too. */
const stuckProcess = `
import { JobScheduler } from ${JSON.stringify(built.href)};
const stand = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
const run = () => new Promise(() => process.stdout.write('taken', stand));
const logger = { warn: () => undefined };
const { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl } = process.env;
new JobScheduler({ databaseUrl, redisUrl, logger, jobs: [{ name: 'tick', everySeconds: 1, run }] }).start();
`;

/** A process of its own, once it has taken a job that it will not end. */
async function takeAndStandStill({ databaseUrl, redisUrl }: Place): Promise<ChildProcess> {
  const environment = { PATH: env['PATH'], DATABASE_URL: databaseUrl, ...(redisUrl && { REDIS_URL: redisUrl }) };
  const script = ['--input-type=module', '-e', stuckProcess];
  const child = spawn(process.execPath, script, { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const ended = once(child, 'exit').then(() => 'the process ended');
  expect(String(await Promise.race([once(child.stdout, 'data'), ended]))).toBe('taken');
  return child;
}

describe('jobs in PostgreSQL', () => {
  contract(async (name) => ({ databaseUrl: await server.createDatabase(`jobs_${name}`) }));

  it('start on an empty database from several processes at once, without a complaint', async () => {
    const databaseUrl = await server.createDatabase('jobs_empty');
    const ticks = [counting('tick'), counting('tick'), counting('tick')];
    const complaints = ticks.map((tick) => {
      start({ databaseUrl }, tick);
      return lines;
    });
    await until(() => ticks.reduce((sum, { runs }) => sum + runs.length, 0) >= 3);
    expect(complaints.flat()).toEqual([]);
  });

  it('survive a database that is killed and comes back', async ({ skip }) => {
    skip(server.notOurs !== undefined, server.notOurs);
    const tick = counting('tick');
    start({ databaseUrl: await server.createDatabase('jobs_killed') }, tick);
    await until(() => tick.runs.length >= 1);
    await server.kill();
    await sleep(1_500);
    const before = tick.runs.length;
    await server.restart();
    await until(() => tick.runs.length > before + 1);
    expect(lines.filter((line) => line.includes('the job queue does not answer')).length).toBeLessThanOrEqual(3);
  });
});

describe('jobs in a Redis that is away', () => {
  it('do not keep a service from stopping', async () => {
    const away = { databaseUrl: 'postgres://nobody@127.0.0.1:1/none', redisUrl: 'redis://127.0.0.1:1' };
    const scheduler = start(away, counting('tick'));
    await until(() => lines.join('').includes('the job queue does not answer'));
    running.splice(0);
    const since = Date.now();
    await scheduler.stop();
    expect(Date.now() - since).toBeLessThan(20_000);
  });
});

describe('jobs in Redis', async () => {
  const missing = await requireOrSkip(redis);
  let server: (RedisServer & { stop(): Promise<void> }) | undefined;
  let databases = 0;
  beforeEach(({ skip }) => {
    skip(missing !== undefined, missing);
  });
  beforeAll(async () => {
    if (missing === undefined) server = await redis.start();
  });
  afterAll(() => server?.stop());

  it('do not keep a service from stopping once Redis is killed', async () => {
    const tick = counting('tick');
    const scheduler = start({ databaseUrl: 'postgres://nobody@127.0.0.1:1/none', redisUrl: server?.url ?? '' }, tick);
    await until(() => tick.runs.length >= 1);
    await server?.kill();
    running.splice(0);
    const since = Date.now();
    await scheduler.stop();
    expect(Date.now() - since).toBeLessThan(20_000);
    await server?.restart();
  });

  contract(() => {
    const redisUrl = new URL(`/${databases++}`, server?.url).href;
    return Promise.resolve({ databaseUrl: 'postgres://nobody@127.0.0.1:1/none', redisUrl });
  });
});
