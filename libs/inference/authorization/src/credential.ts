import {
  deny,
  isDenial,
  protocolRegistry,
  type CanonicalRequest,
  type Classified,
  type Denial,
} from '@modelgate/protocols';

/**
 * Some clients send their credential as `x-api-key`. A request with both fields is refused, because it is ambiguous
 * which one is meant.
 */
export function credentialOf({
  canonical,
  classified,
}: {
  canonical: CanonicalRequest;
  classified: Classified;
}): string | Denial | undefined {
  const { authorization, apiKey } = canonical;
  if (apiKey === undefined || isDenial(classified) || !protocolRegistry[classified.protocol].takesApiKey)
    return authorization;
  if (authorization !== undefined) return deny('token_malformed');
  return `Bearer ${apiKey}`;
}
