import { covers, formatModelRef, type ModelPattern, type ModelRef } from './model-ref.ts';
import type { Verb } from './verb.ts';

/** One permission: these verbs on the models this pattern names. A token carries a list of them. */
export interface ModelGrant {
  model: ModelPattern;
  verbs: readonly Verb[];
}

/** Whether any of `grants` permits `verb` on `model`. Default deny: an empty list permits nothing. */
export function permits(grants: readonly ModelGrant[], model: ModelRef, verb: Verb): boolean {
  for (const grant of grants) if (grant.verbs.includes(verb) && covers(grant.model, model)) return true;
  return false;
}

/** Whether everything `wanted` asks for is within `granted`. */
export function within(granted: readonly ModelGrant[], wanted: readonly ModelGrant[]): boolean {
  return wanted.every(({ model, verbs }) => verbs.length > 0 && verbs.every((verb) => permits(granted, model, verb)));
}

/** The same grants with each model named once and each verb once, in a stable order. */
export function merge(grants: readonly ModelGrant[]): ModelGrant[] {
  const byModel = new Map<string, { model: ModelPattern; verbs: Set<Verb> }>();
  for (const { model, verbs } of grants) {
    const key = formatModelRef(model);
    const entry = byModel.get(key) ?? { model, verbs: new Set<Verb>() };
    for (const verb of verbs) entry.verbs.add(verb);
    byModel.set(key, entry);
  }
  return [...byModel.values()].map(({ model, verbs }) => ({ model, verbs: [...verbs] }));
}

/** The part of `granted` that lies within `pattern`: used where a caller names a model and leaves the verbs open. */
export function restrictTo(granted: readonly ModelGrant[], pattern: ModelPattern): ModelGrant[] {
  const restricted: ModelGrant[] = [];
  for (const { model, verbs } of granted) {
    if (covers(model, pattern)) restricted.push({ model: pattern, verbs });
    else if (covers(pattern, model)) restricted.push({ model, verbs });
  }
  return merge(restricted);
}
