import { TakenNames } from '@modelgate/catalogue';
import { maxFeedBytes } from '@modelgate/core';
import { ModelRefused } from './model-refused.ts';
import type { Precondition } from './precondition.ts';
import type { RegisteredModel, WrittenEntry } from './registered-model.ts';

/** Why a change may not be made to what is there, whatever it is changed to. */
export function unmet(
  { model, precondition }: { model: string; precondition: Precondition | undefined },
  before: RegisteredModel | undefined,
): ModelRefused | undefined {
  if (!precondition) return before && unconditional(model);
  if (precondition.kind === 'absent') return before && changed(`${model} is registered already`);
  if (!before) return changed(`${model} is not registered`);
  if (precondition.kind === 'present' || precondition.versions.includes(before.version)) return undefined;
  return changed(`${model} is at version ${before.version} by now; read it again`);
}

/** Why an entry has no room among the other ones. */
export function obstacleTo(entry: WrittenEntry, all: readonly RegisteredModel[]): ModelRefused | undefined {
  const others = all.map((one) => one.entry).filter(({ model }) => model !== entry.model);
  return clash(entry, others) ?? excess(entry, others);
}

/** Each gateway has a domain of its own; what shares a host under one does under every other. */
const anyDomain = '{domain}';

function clash(entry: WrittenEntry, others: readonly WrittenEntry[]): ModelRefused | undefined {
  const taken = new TakenNames(anyDomain);
  for (const other of others) taken.take(other);
  const found = taken.take(entry);
  if (!found) return undefined;
  const { owner, host = '' } = found;
  return new ModelRefused('clash', `${owner} and ${entry.model} would share the host ${host}; rename one of them`);
}

/** Of all entries together, as JSON: gateways read them as one document, and it may be spelt longer than the entries were. */
const mostBytes = maxFeedBytes / 2;

function excess(entry: WrittenEntry, others: readonly WrittenEntry[]): ModelRefused | undefined {
  const bytes = [entry, ...others].reduce((sum, one) => sum + Buffer.byteLength(JSON.stringify(one)) + 1, 0);
  if (bytes <= mostBytes) return undefined;
  return new ModelRefused('too_large', `all entries together would be ${bytes} bytes of JSON, and may be ${mostBytes}`);
}

function changed(message: string): ModelRefused {
  return new ModelRefused('changed', message);
}

function unconditional(model: string): ModelRefused {
  return new ModelRefused(
    'unconditional',
    `${model} is registered; say with If-Match which version of it you have read`,
  );
}
