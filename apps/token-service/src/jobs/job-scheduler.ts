import { reasonOf, type Logger } from '@modelgate/nest';
import { setTimeout as sleep } from 'node:timers/promises';
import { postgresQueue, redisQueue, type JobQueue } from './job-queue.ts';

/** Work that is to be done again and again by whichever process takes it. Must bear being done twice, late or never. */
export interface ScheduledJob {
  name: string;
  everySeconds: number;
  run(): Promise<void>;
}

export interface JobSchedulerOptions {
  databaseUrl: string;
  /** Jobs are kept in Redis or Valkey instead of PostgreSQL where it is given. */
  redisUrl: string | undefined;
  jobs: readonly ScheduledJob[];
  logger: Logger;
}

const retryMs = 2_000;
/** How long a stop waits for the queue and the job under way. Redis clients wait for as long as Redis is away. */
const closeMs = 5_000;

/**
 * BullMQ's job schedulers as ticks: they say when, the jobs themselves decide whether there is anything to do. A queue that
 * is away costs ticks and nothing else.
 */
export class JobScheduler {
  readonly #options: JobSchedulerOptions;
  readonly #stopping = new AbortController();
  #queue: JobQueue | undefined;
  #started: Promise<void> = Promise.resolve();
  #failing = false;

  constructor(options: JobSchedulerOptions) {
    this.#options = options;
  }

  /** Tries until the queue is there. */
  start(): void {
    this.#started = this.#start();
  }

  /** In an orderly way where the queue answers, and soon in any case: a job that is cut off is done again. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const closed = this.#started.then(() => this.#queue?.close());
    await Promise.race([closed, sleep(closeMs, undefined, { ref: false })]);
  }

  async #start(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      let queue: JobQueue | undefined;
      try {
        queue = await this.#open();
        for (const { name, everySeconds } of this.#options.jobs) await queue.schedule(name, everySeconds);
        queue.work((name) => this.#run(name));
        this.#queue = queue;
        return;
      } catch (error) {
        this.#report(error);
        await queue?.close();
        await sleep(retryMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      }
    }
  }

  async #open(): Promise<JobQueue> {
    const { databaseUrl, redisUrl } = this.#options;
    const onError = (error: Error): void => this.#report(error);
    return redisUrl === undefined ? postgresQueue(databaseUrl, onError) : redisQueue(redisUrl, onError);
  }

  async #run(name: string): Promise<void> {
    const { jobs, logger } = this.#options;
    this.#failing = false;
    // A queue outlives releases: a job that this one does not know is somebody else's.
    const job = jobs.find((candidate) => candidate.name === name);
    await job?.run().catch((error: unknown) => {
      logger.warn({ job: name, reason: reasonOf(error) }, 'job failed');
      throw error;
    });
  }

  /** Once for each time it goes away. */
  #report(error: unknown): void {
    if (!this.#failing) this.#options.logger.warn({ reason: reasonOf(error) }, 'the job queue does not answer');
    this.#failing = true;
  }
}
