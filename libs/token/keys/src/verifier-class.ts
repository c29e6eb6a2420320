/** How a kind of verifier keeps the JWKS: what decides how long a new key must wait and how long a removed one lives on. */
export interface VerifierClass {
  name: string;
  /** After how long it has surely read the JWKS again; undefined where `max-age` decides. */
  refreshSeconds?: number;
  /** It reads the JWKS again for a `kid` it does not know, so that it needs no lead time of its own. */
  refetchesUnknownKid?: boolean;
  /** How long it accepts a key that left the JWKS; undefined where until its next refresh. */
  keepsRemovedSeconds?: number;
  /** How its user agent begins, where that is its own. */
  userAgent?: string;
  /** Seconds from a revocation to its refusal where it hears of revocations; undefined where it does not. */
  revocationSeconds?: number;
}

/** Verifiers in use, as they come: figures of their documentation and sources. */
export const verifierPresets = {
  /** The gateway of this project: honours `max-age`, reads again for an unknown kid, follows the revocation feed. */
  modelgate: { name: 'modelgate', refetchesUnknownKid: true, revocationSeconds: 2 },
  /** Envoy's jwt_authn with remote_jwks as Istio configures it. */
  'envoy-remote': { name: 'envoy-remote', refreshSeconds: 300 },
  /** istiod reads every 20 min and backs off to 60 min after failures. */
  istio: { name: 'istio', refreshSeconds: 3600 },
  /** Microsoft.IdentityModel's ConfigurationManager. */
  dotnet: { name: 'dotnet', refreshSeconds: 43_200 },
  /** go-oidc reads again for an unknown kid only, so that a removed key lives on until one comes by. */
  'go-oidc': { name: 'go-oidc', refetchesUnknownKid: true, keepsRemovedSeconds: Number.POSITIVE_INFINITY },
  /** jose's createRemoteJWKSet. */
  jose: { name: 'jose', refreshSeconds: 600, refetchesUnknownKid: true, userAgent: 'jose/' },
} as const satisfies Record<string, VerifierClass>;

/** How long one kind of verifier goes on accepting a key that was revoked. */
export interface Exposure {
  verifier: string;
  /** Infinity where nothing but an unknown kid ends it. */
  seconds: number;
}

/** Seconds after which the verifier has surely read the JWKS again. */
export function refreshSeconds({ refreshSeconds }: VerifierClass, jwksMaxAgeSeconds: number): number {
  return refreshSeconds ?? jwksMaxAgeSeconds;
}

/** Until when each kind of verifier refuses what a revoked key signed. */
export function revocationExposure(verifiers: readonly VerifierClass[], jwksMaxAgeSeconds: number): Exposure[] {
  return verifiers.map((verifier) => ({
    verifier: verifier.name,
    seconds: verifier.revocationSeconds ?? verifier.keepsRemovedSeconds ?? refreshSeconds(verifier, jwksMaxAgeSeconds),
  }));
}

/**
 * For how long each kind of verifier refuses what a key signs that it may not have seen.
 *
 * @param servedForSeconds for how long every replica has served the key; negative while not all of them do
 */
export function promotionExposure(
  verifiers: readonly VerifierClass[],
  jwksMaxAgeSeconds: number,
  servedForSeconds: number,
): Exposure[] {
  return verifiers.map((verifier) => {
    const refresh = verifier.refetchesUnknownKid ? 0 : refreshSeconds(verifier, jwksMaxAgeSeconds);
    return { verifier: verifier.name, seconds: Math.max(0, Math.ceil(refresh - servedForSeconds)) };
  });
}
