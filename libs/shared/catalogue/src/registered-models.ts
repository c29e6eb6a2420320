import { problemsOf } from '@modelgate/oauth';
import { z } from 'zod';
import { catalogueModelSchema, type CatalogueModel } from './catalogue-document.ts';

/** What is wrong with one member of an entry, with its remedy. */
export interface EntryProblem {
  /** JSON Pointer (RFC 6901) into the entry; empty for the entry as a whole. */
  pointer: string;
  detail: string;
}

/** The entry as it is served, or everything that is wrong with it. */
export type ParsedEntry = { model: CatalogueModel; problems?: never } | { problems: readonly EntryProblem[] };

/**
 * Reads an entry that comes over the network. It is what an entry of the catalogue file is, but for the names of files:
 * those are paths on the gateway's own disk, and whoever may register a model shall not choose which of them are read.
 */
export function parseRegisteredModel(entry: unknown): ParsedEntry {
  const parsed = catalogueModelSchema.safeParse(entry);
  const problems = [
    ...(parsed.error ? problemsOf(parsed.error) : []),
    ...namedFiles(entry, []).map((path) => ({ path, detail: noFiles })),
  ].map(({ path, detail }) => ({ pointer: pointerTo(path), detail }));
  return parsed.success && problems.length === 0 ? { model: parsed.data } : { problems };
}

const noFiles =
  'names a file of the gateway, which a registered model cannot; leave it out, or put the model into the catalogue file';

/** Deeper than any entry is: what is nested without end is no entry, and is not looked through. */
const deepest = 4;

/** Members that name files, wherever they are in the entry. */
function namedFiles(value: unknown, path: readonly PropertyKey[]): PropertyKey[][] {
  if (typeof value !== 'object' || value === null || path.length > deepest) return [];
  return Object.entries(value).flatMap(([name, member]) =>
    name.endsWith('File') ? [[...path, name]] : namedFiles(member, [...path, name]),
  );
}

function pointerTo(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

const feedSchema = z.object({ models: z.array(z.unknown()) });

/** What the token service says is registered, as far as this gateway understands it. */
export interface RegisteredModels {
  models: readonly CatalogueModel[];
  /** A sentence for each entry that is not served, because a newer release wrote it or something is wrong with it. */
  problems: readonly string[];
}

/**
 * Reads the registered models as the token service publishes them: `{"models": [entry, …]}`. One entry that is not
 * understood costs that model alone. An entry that was read before is the same object again: of thousands of models, a
 * change is about one.
 */
export class RegisteredModelsReader {
  #known: ReadonlyMap<string, ParsedEntry> = new Map();

  /** @throws TypeError where it is another document; what was read before is not forgotten then */
  read(document: unknown): RegisteredModels {
    const feed = feedSchema.safeParse(document);
    if (!feed.success) throw new TypeError('the document is not a list of registered models');
    const known = new Map<string, ParsedEntry>();
    const models: CatalogueModel[] = [];
    const problems: string[] = [];
    for (const entry of feed.data.models) {
      const text = JSON.stringify(entry);
      const parsed = this.#known.get(text) ?? parseRegisteredModel(entry);
      known.set(text, parsed);
      if (parsed.problems) problems.push(sentence(entry, parsed.problems));
      else models.push(parsed.model);
    }
    this.#known = known;
    return { models, problems };
  }
}

function sentence(entry: unknown, problems: readonly EntryProblem[]): string {
  const { model } = z.object({ model: z.string().max(128) }).safeParse(entry).data ?? {
    model: 'an entry without a name',
  };
  return `${model}: ${problems.map(({ pointer, detail }) => `${pointer || 'it'} ${detail}`).join('; ')}`;
}
