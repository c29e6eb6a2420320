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
  /** Milliseconds since the epoch: when the cluster last said so. */
  confirmedAt: z.int(),
  /** Kinds of which all is known. */
  kinds: z.array(z.string()),
  found: z.array(foundSchema),
});

/** What a cluster had when it last answered. */
export interface ClusterMemory {
  confirmedAt: number;
  kinds: readonly string[];
  found: readonly Found[];
}

/** What was found in a cluster, on disk: a gateway that starts while the API server is away goes on from it. */
export class RememberedModels {
  readonly #folder: string;
  readonly #onProblem: (problem: string) => void;
  #written = '';

  constructor(folder: string, onProblem: (problem: string) => void) {
    this.#folder = folder;
    this.#onProblem = onProblem;
  }

  /** @returns undefined where nothing is remembered that can be believed */
  async read(now: number): Promise<ClusterMemory | undefined> {
    try {
      const text = await readOwnFile(this.#folder, this.#file);
      if (text === undefined) return undefined;
      const { confirmedAt, kinds, found } = fileSchema.parse(JSON.parse(text));
      if (confirmedAt > now || now - confirmedAt > maxAgeMs) throw new Error('it is not of the last day');
      return { confirmedAt, kinds, found: found.flatMap(restored) };
    } catch (error) {
      this.#onProblem(`${this.#file} is not used: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  }

  /** Writes what is not written yet, and confirms what is. */
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

/** Held to the same rules as what comes over the network: an entry that another release wrote costs that model alone. */
function restored({ model, ...one }: z.infer<typeof foundSchema>): Found[] {
  const parsed = parseRegisteredModel(model);
  return parsed.problems ? [] : [{ ...one, offer: { model: parsed.model, notes: [] } }];
}
