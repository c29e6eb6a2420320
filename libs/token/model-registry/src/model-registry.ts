import { parseRegisteredModel, type EntryProblem } from '@modelgate/catalogue';
import { obstacleTo, unmet } from './judgement.ts';
import { ModelRefused } from './model-refused.ts';
import type { ModelStore, RegisteredList } from './model-store.ts';
import type { Precondition } from './precondition.ts';
import type { RegisteredModel, WrittenEntry } from './registered-model.ts';

/** Who changes which model, and why. */
export interface ModelOrder {
  /** `namespace/name`. */
  model: string;
  /** Undefined where nothing was said; a model that is there is not replaced then. */
  precondition: Precondition | undefined;
  actor: string;
  reason: string;
  requestId: string;
}

/** What would become of an entry. */
export interface ModelPreview {
  change: 'register' | 'replace' | 'refuse';
  problems: readonly EntryProblem[];
}

/**
 * The models that admins register. An entry is checked as the gateway checks it, and against all others that are
 * registered; what a gateway has in its own file or has discovered is known there alone, and comes before or after them.
 */
export class ModelRegistry {
  readonly #store: ModelStore;

  constructor(store: ModelStore) {
    this.#store = store;
  }

  list(): Promise<RegisteredList> {
    return this.#store.list();
  }

  /** @throws ModelRefused unknown */
  async get(model: string): Promise<RegisteredModel> {
    return (await this.#store.find(model)) ?? unknown(model);
  }

  /**
   * Registers a model, or replaces its entry.
   *
   * @param order.entry without `model`, or with the same
   * @throws ModelRefused invalid, unconditional, changed, clash, too_large
   */
  async put(order: ModelOrder & { entry: unknown }): Promise<{ registered: RegisteredModel; created: boolean }> {
    const { precondition, ...change } = order;
    const entry = readEntry(order.entry, order.model);
    let created = false;
    const registered = await this.#store.change({ ...change, entry }, (all) => {
      const before = all.find((one) => one.entry.model === order.model);
      const refused = unmet(order, before) ?? obstacleTo(entry, all);
      if (refused) throw refused;
      created = before === undefined;
    });
    return { registered: registered ?? unknown(order.model), created };
  }

  /** @throws ModelRefused unknown, unconditional, changed */
  async remove(order: ModelOrder): Promise<RegisteredModel> {
    const { precondition, ...change } = order;
    const removed = await this.#store.change({ ...change, entry: undefined }, (all) => {
      const before = all.find((one) => one.entry.model === order.model) ?? unknown(order.model);
      const refused = unmet(order, before);
      if (refused) throw refused;
    });
    return removed ?? unknown(order.model);
  }

  /** What `put` would do with an entry; changes nothing. */
  async preview(entry: unknown): Promise<ModelPreview> {
    const { problems } = parseRegisteredModel(entry);
    if (problems) return { change: 'refuse', problems };
    const written = entry as WrittenEntry;
    const { models } = await this.#store.list();
    const obstacle = obstacleTo(written, models);
    if (obstacle) return { change: 'refuse', problems: [{ pointer: '', detail: obstacle.message }] };
    const known = models.some((one) => one.entry.model === written.model);
    return { change: known ? 'replace' : 'register', problems: [] };
  }
}

/** @throws ModelRefused invalid, with every problem of the entry */
function readEntry(given: unknown, model: string): WrittenEntry {
  const isObject = typeof given === 'object' && given !== null && !Array.isArray(given);
  const entry = isObject ? { ...given, model } : given;
  const problems = [...(parseRegisteredModel(entry).problems ?? [])];
  if (isObject && 'model' in given && given.model !== model) {
    problems.unshift({ pointer: '/model', detail: `must be ${model}, as the path has it, or left out` });
  }
  if (problems.length > 0) throw new ModelRefused('invalid', 'the entry cannot be served', problems);
  return entry as WrittenEntry;
}

function unknown(model: string): never {
  throw new ModelRefused('unknown', `${model} is not registered`);
}
