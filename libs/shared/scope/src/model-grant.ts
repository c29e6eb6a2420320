import { covers, formatModelRef, type ModelPattern, type ModelRef } from './model-ref.ts';
import { verbs as knownVerbs, type Verb } from './verb.ts';

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

/**
 * The same grants with each model named once, in the order of its first naming, and each verb once, in the order of
 * {@link knownVerbs}. A model without a verb grants nothing and is left out.
 */
export function merge(grants: readonly ModelGrant[]): ModelGrant[] {
  const byModel = new Map<string, { model: ModelPattern; verbs: Set<Verb> }>();
  for (const { model, verbs } of grants) {
    if (verbs.length === 0) continue;
    const key = formatModelRef(model);
    const entry = byModel.get(key) ?? { model, verbs: new Set<Verb>() };
    for (const verb of verbs) entry.verbs.add(verb);
    byModel.set(key, entry);
  }
  return [...byModel.values()].map(({ model, verbs }) => ({
    model,
    verbs: knownVerbs.filter((verb) => verbs.has(verb)),
  }));
}

/** The part of `granted` that lies within `pattern`: used where a caller names a model and leaves the verbs open. */
export function restrictTo(granted: readonly ModelGrant[], pattern: ModelPattern): ModelGrant[] {
  return intersect(granted, [{ model: pattern, verbs: knownVerbs }]);
}

/** What both lists permit, and nothing else. Two patterns are nested or disjoint, so the narrower one is what they share. */
export function intersect(left: readonly ModelGrant[], right: readonly ModelGrant[]): ModelGrant[] {
  return merge(left.flatMap((grant) => right.flatMap((other) => common(grant, other))));
}

function common(left: ModelGrant, right: ModelGrant): ModelGrant[] {
  const verbs = left.verbs.filter((verb) => right.verbs.includes(verb));
  if (covers(left.model, right.model)) return [{ model: right.model, verbs }];
  return covers(right.model, left.model) ? [{ model: left.model, verbs }] : [];
}

/** The same permissions without what a broader grant of the list permits already. */
export function prune(grants: readonly ModelGrant[]): ModelGrant[] {
  const merged = merge(grants);
  return merge(
    merged.map(({ model, verbs }, index) => {
      const others = merged.filter((_, other) => other !== index);
      return { model, verbs: verbs.filter((verb) => !permits(others, model, verb)) };
    }),
  );
}

/** How many scope tokens spell `grants`. */
export function countScopeTokens(grants: readonly ModelGrant[]): number {
  return grants.reduce((sum, { verbs }) => sum + verbs.length, 0);
}
