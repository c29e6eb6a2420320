import { deny, isDenial, type CanonicalRequest, type Classified, type Denial } from '@modelgate/protocols';

/** Anthropic's clients send their credential in a field of their own; with both, nobody knows which one is meant. */
export function credentialOf({
  canonical,
  classified,
}: {
  canonical: CanonicalRequest;
  classified: Classified;
}): string | Denial | undefined {
  const { authorization, apiKey } = canonical;
  if (apiKey === undefined || isDenial(classified) || classified.protocol !== 'anthropic') return authorization;
  if (authorization !== undefined) return deny('token_malformed');
  return `Bearer ${apiKey}`;
}
