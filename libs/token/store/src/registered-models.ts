import {
  auditOf,
  ModelStore,
  type ModelChange,
  type RegisteredList,
  type RegisteredModel,
} from '@modelgate/model-registry';
import { auditRow } from './audit-row.ts';
import { databaseTime } from './database-time.ts';
import type { Database, Queries } from './database.ts';
import type { RegisteredModel as Row } from './generated/client.ts';

/** Registered models in PostgreSQL. Changes come one after the other, under a lock of the table that readers do not feel. */
export class PrismaModelStore extends ModelStore {
  readonly #database: Database;

  constructor(database: Database) {
    super();
    this.#database = database;
  }

  async version(): Promise<string> {
    const [row] = await this.#database.run(
      (queries) => queries.$queryRaw<{ count: number; version: number; changed: number }[]>`
        SELECT count(*)::int AS count, coalesce(max(version), 0)::int AS version,
          coalesce(floor(extract(epoch FROM max(changed_at)) * 1000), 0)::float8 AS changed
        FROM registered_models`,
    );
    if (!row) throw new Error('the database did not count');
    return listVersion(row);
  }

  async list(): Promise<RegisteredList> {
    const models = await this.#database.run(all);
    const version = Math.max(0, ...models.map((model) => model.version));
    const changed = Math.max(0, ...models.map(({ changedAt }) => changedAt));
    return { version: listVersion({ count: models.length, version, changed }), models };
  }

  async find(model: string): Promise<RegisteredModel | undefined> {
    const row = await this.#database.run((queries) => queries.registeredModel.findUnique({ where: { model } }));
    return row ? fromRow(row) : undefined;
  }

  change(
    change: ModelChange,
    judge: (registered: readonly RegisteredModel[]) => void,
  ): Promise<RegisteredModel | undefined> {
    return this.#database.transaction(async (queries) => {
      await queries.$executeRaw`LOCK TABLE registered_models IN SHARE ROW EXCLUSIVE MODE`;
      const registered = await all(queries);
      judge(registered);
      const before = registered.find(({ entry }) => entry.model === change.model);
      const at = await databaseTime(queries);
      const after = change.entry ? await write(queries, change, at) : before;
      if (!after) return undefined;
      if (!change.entry) await queries.registeredModel.delete({ where: { model: change.model } });
      await queries.auditEvent.create({ data: auditRow(auditOf(change, before, { version: after.version, at })) });
      return after;
    });
  }
}

async function write(queries: Queries, { model, entry, actor }: ModelChange, at: number): Promise<RegisteredModel> {
  const [row] = await queries.$queryRaw<Row[]>`
    INSERT INTO registered_models (model, entry, changed_at, changed_by)
    VALUES (${model}, ${JSON.stringify(entry)}::jsonb, ${new Date(at)}, ${actor})
    ON CONFLICT (model) DO UPDATE SET
      entry = excluded.entry, version = excluded.version, changed_at = excluded.changed_at, changed_by = excluded.changed_by
    RETURNING model, entry, version, changed_at AS "changedAt", changed_by AS "changedBy"`;
  if (!row) throw new Error('the database wrote no row');
  return fromRow(row);
}

/** In an order that no locale changes. */
async function all(queries: Queries): Promise<RegisteredModel[]> {
  const rows = await queries.registeredModel.findMany();
  return rows.map(fromRow).sort((one, other) => (one.entry.model < other.entry.model ? -1 : 1));
}

function fromRow({ model, entry, version, changedAt, changedBy }: Row): RegisteredModel {
  return { entry: { ...(entry as object), model }, version, changedAt: changedAt.getTime(), changedBy };
}

/**
 * Every change gives out a higher version than any before, and between two of those the list only loses rows: as many rows
 * under the same highest version are the same rows. The time tells a database apart that was restored from a backup.
 */
function listVersion({ count, version, changed }: { count: number; version: number; changed: number }): string {
  return `${version}.${count}.${changed}`;
}
