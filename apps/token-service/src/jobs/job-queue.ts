import {
  createPostgresBackend,
  DEFAULT_SCHEMA,
  Queue,
  runMigrations,
  Worker,
  type Job,
  type PostgresConnectionOptions,
} from 'bullmq';
import pg from 'pg';

/** What is asked of a queue, whatever it is kept in. */
export interface JobQueue {
  /** From now on, a job of this name every so often, however many processes say so. */
  schedule(name: string, everySeconds: number): Promise<void>;
  /** Takes jobs, one at a time. */
  work(run: (name: string) => Promise<void>): void;
  close(): Promise<void>;
}

const queueName = 'modelgate-token-service';
const kept = { removeOnComplete: 20, removeOnFail: 100 };

interface Parts {
  queue: Pick<Queue, 'upsertJobScheduler' | 'close'>;
  worker: (run: (job: Job) => Promise<void>) => Pick<Worker, 'close'>;
  end: () => Promise<void>;
}

/** Connections of this process: one listens, the others ask. */
const maxConnections = 5;

/** BullMQ on PostgreSQL, in a schema of its own, which is brought up to date first: a queue without it would complain. */
export async function postgresQueue(connectionString: string, onError: (error: Error) => void): Promise<JobQueue> {
  const options = `-c search_path=${DEFAULT_SCHEMA}`;
  const pool = new pg.Pool({
    connectionString,
    options,
    max: maxConnections,
    keepAlive: true,
    connectionTimeoutMillis: 2_000,
  });
  // A connection that breaks while somebody holds it tells so by an event, and an unheard one ends the process.
  pool.on('connect', (client) => client.on('error', onError));
  await migrate(pool).catch(async (error: unknown) => {
    await pool.end();
    throw error;
  });
  // Its structural type of a pool is narrower in `on` than pg's own; it is asked for by name in its documentation.
  const connection = pool as unknown as PostgresConnectionOptions;
  const queue = new Queue(queueName, { connection }, createPostgresBackend);
  queue.on('error', onError);
  const worker: Parts['worker'] = (run) => {
    const started = new Worker(queueName, run, { connection, concurrency: 1 }, createPostgresBackend);
    started.on('error', onError);
    return started;
  };
  return jobQueue({ queue, worker, end: () => pool.end() });
}

async function migrate(pool: pg.Pool): Promise<void> {
  const client = await pool.connect();
  try {
    await runMigrations(client, DEFAULT_SCHEMA);
  } finally {
    client.release();
  }
}

/** BullMQ on Redis or Valkey. */
export function redisQueue(url: string, onError: (error: Error) => void): JobQueue {
  const connection = { url };
  const queue = new Queue(queueName, { connection });
  queue.on('error', onError);
  const worker: Parts['worker'] = (run) => {
    const started = new Worker(queueName, run, { connection, concurrency: 1 });
    started.on('error', onError);
    return started;
  };
  return jobQueue({ queue, worker, end: () => Promise.resolve() });
}

function jobQueue({ queue, worker, end }: Parts): JobQueue {
  let working: Pick<Worker, 'close'> | undefined;
  return {
    schedule: async (name, everySeconds) => {
      await queue.upsertJobScheduler(name, { every: everySeconds * 1000 }, { name, opts: kept });
    },
    work: (run) => {
      working = worker((job) => run(job.name));
    },
    // Connections that are broken already may not close cleanly, and nothing is left to be done about it.
    close: async () => {
      await working?.close().catch(() => undefined);
      await queue.close().catch(() => undefined);
      await end().catch(() => undefined);
    },
  };
}
