import type { AuditEvent } from '@modelgate/audit';
import { auditOf } from './model-audit.ts';
import { ModelStore, type ModelChange, type RegisteredList } from './model-store.ts';
import type { RegisteredModel } from './registered-model.ts';

/** Forgets with the process; for tests and for trying things out. */
export class MemoryModelStore extends ModelStore {
  readonly audited: AuditEvent[] = [];
  readonly #models = new Map<string, RegisteredModel>();
  readonly #now: () => number;
  #changes = 0;
  #lastVersion = 0;

  /** @param now milliseconds since the epoch */
  constructor(now: () => number) {
    super();
    this.#now = now;
  }

  version(): Promise<string> {
    return Promise.resolve(String(this.#changes));
  }

  async list(): Promise<RegisteredList> {
    return { version: await this.version(), models: this.#sorted() };
  }

  find(model: string): Promise<RegisteredModel | undefined> {
    return Promise.resolve(this.#models.get(model));
  }

  async change(
    change: ModelChange,
    judge: (registered: readonly RegisteredModel[]) => void,
  ): Promise<RegisteredModel | undefined> {
    judge(this.#sorted());
    const { model, entry, actor } = change;
    const before = this.#models.get(model);
    if (!entry && !before) return undefined;
    const at = this.#now();
    const after = entry
      ? { entry: structuredClone(entry), version: ++this.#lastVersion, changedAt: at, changedBy: actor }
      : before;
    if (entry && after) this.#models.set(model, after);
    else this.#models.delete(model);
    this.#changes++;
    this.audited.push(auditOf(change, before, { version: after?.version ?? 0, at }));
    return after;
  }

  #sorted(): RegisteredModel[] {
    return [...this.#models.values()].sort((one, other) => (one.entry.model < other.entry.model ? -1 : 1));
  }
}
