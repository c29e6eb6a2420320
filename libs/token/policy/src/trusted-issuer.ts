/** An identity provider whose tokens may be exchanged. */
export interface TrustedIssuer {
  /** Our name for it; the first part of every `sub` we issue. */
  id: string;
  kind: 'keycloak' | 'oidc';
  /** Compared byte for byte with `iss`. */
  issuer: string;
  /** Where its keys are fetched; independent of the issuer, since many see it under another name. */
  jwksUri: string;
  /** The subject token's `aud` must contain one of these. */
  audiences: readonly string[];
  /** The subject token's `azp` must be one of these. Absent: any client of this issuer. */
  authorizedParties?: readonly string[];
  algorithms: readonly string[];
  /** Seconds; a subject token that was issued for longer is refused. */
  maxLifetime: number;
}
