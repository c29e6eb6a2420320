/** Everything a model token can permit. Runtime administration has no verb and is never forwarded. */
export const verbs = [
  'predict',
  'explain',
  'generate',
  'embed',
  'rerank',
  'classify',
  'transcribe',
  'tokenize',
  'forecast',
  'metadata',
  'repository',
] as const;
export type Verb = (typeof verbs)[number];

const known: ReadonlySet<string> = new Set(verbs);

export function isVerb(text: string): text is Verb {
  return known.has(text);
}
