/**
 * The name of one model: `namespace/name`, or `namespace/name#alias` for a served alias that is authorised on its own.
 * Namespace and name are DNS-1123 labels, compared byte by byte.
 */
export interface ModelRef {
  namespace: string;
  name: string;
  alias?: string;
}

/** A ModelRef whose name, or whose alias, may be `*` for "every one": `fraud/*`, `fraud/llm#*`. */
export type ModelPattern = ModelRef;

const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
// Served names and LoRA adapters are free text to their servers; this is the part of it a scope token can carry safely.
const alias = '[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?';
const refGrammar = new RegExp(`^(${label})/(${label})(?:#(${alias}))?$`);
const patternGrammar = new RegExp(`^(${label})/(${label}|\\*)(?:#(${alias}|\\*))?$`);

/** @returns undefined for anything outside the grammar */
export function parseModelRef(text: string): ModelRef | undefined {
  return read(refGrammar, text);
}

/** @returns undefined for anything outside the grammar */
export function parseModelPattern(text: string): ModelPattern | undefined {
  const pattern = read(patternGrammar, text);
  // `fraud/*#x` would reach into services that nobody named.
  return pattern?.name === '*' && pattern.alias !== undefined ? undefined : pattern;
}

export function formatModelRef(ref: ModelRef): string {
  return ref.alias === undefined ? `${ref.namespace}/${ref.name}` : `${ref.namespace}/${ref.name}#${ref.alias}`;
}

/** Whether every model that `narrower` names is named by `pattern` too. Reflexive and transitive. */
export function covers(pattern: ModelPattern, narrower: ModelPattern): boolean {
  if (pattern.namespace !== narrower.namespace) return false;
  if (pattern.name === '*') return narrower.alias === undefined;
  if (pattern.name !== narrower.name) return false;
  if (pattern.alias === '*') return narrower.alias !== undefined;
  return pattern.alias === narrower.alias;
}

function read(grammar: RegExp, text: string): ModelRef | undefined {
  const match = grammar.exec(text);
  if (!match) return undefined;
  const [, namespace, name, aliasPart] = match as unknown as [string, string, string, string | undefined];
  return aliasPart === undefined ? { namespace, name } : { namespace, name, alias: aliasPart };
}
