import { parseRegisteredModel } from '@modelgate/catalogue';
import type { Found } from '@modelgate/discovery';
import { join } from 'node:path';
import { z } from 'zod';
import { readOwnFile, writeOwnFile } from './state-folder.ts';

const maxAgeMs = 86_400_000;

const foundSchema = z.strictObject({
  kind: z.string(),
  namespace: z.string(),
  name: z.string(),
  created: z.string(),
  model: z.unknown(),
});
const fileSchema = z.strictObject({
  /** When the cluster last confirmed it, in milliseconds since the epoch. */
  confirmedAt: z.int(),
  /** Kinds whose objects are all known. */
  kinds: z.array(z.string()),
  found: z.array(foundSchema),
});

/** The state of a cluster at its last answer. */
export interface ClusterMemory {
  confirmedAt: number;
  kinds: readonly string[];
  found: readonly Found[];
}

/** Stores the models of a cluster on disk, so that a gateway can start while the API server is down. */
export class RememberedModels {
  readonly #folder: string;
  readonly #onProblem: (problem: string) => void;
  #written = '';

  constructor(folder: string, onProblem: (problem: string) => void) {
    this.#folder = folder;
    this.#onProblem = onProblem;
  }

  /**
   *
   * @returns undefined if no valid state is remembered
   */
  async read(now: number): Promise<ClusterMemory | undefined> {
    try {
      const text = await readOwnFile(this.#folder, this.#file);
      if (text === undefined) return undefined;
      const { confirmedAt, kinds, found } = fileSchema.parse(JSON.parse(text));
      if (confirmedAt > now || now - confirmedAt > maxAgeMs) throw new Error('it is older than a day');
      return { confirmedAt, kinds, found: found.flatMap(restored) };
    } catch (error) {
      this.#onProblem(`${this.#file} is not used: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  }

  /** Writes pending changes, or updates the time of confirmation. */
  async write({ confirmedAt, kinds, found }: ClusterMemory): Promise<void> {
    const served = found.flatMap(({ offer, ...one }) => ('model' in offer ? [{ ...one, model: offer.model }] : []));
    const text = JSON.stringify({ confirmedAt, kinds, found: served });
    if (text === this.#written) return;
    try {
      await writeOwnFile(this.#folder, this.#file, text);
      this.#written = text;
    } catch (error) {
      this.#onProblem(`${this.#file} cannot be written: ${String(error)}`);
    }
  }

  get #file(): string {
    return join(this.#folder, 'cluster-models.json');
  }
}

/**
 * Remembered entries are validated like those from the network. An invalid entry, for example from another release,
 * affects only its model.
 */
function restored({ model, ...one }: z.infer<typeof foundSchema>): Found[] {
  const parsed = parseRegisteredModel(model);
  return parsed.problems ? [] : [{ ...one, offer: { model: parsed.model, notes: [] } }];
}
