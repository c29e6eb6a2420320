/** Authorization server metadata, as on the wire (RFC 8414 §2), with the members of OIDC discovery that verifiers ask for. */
export interface ServerMetadata {
  issuer: string;
  token_endpoint: string;
  jwks_uri: string;
  revocation_endpoint?: string;
  grant_types_supported: readonly string[];
  response_types_supported: readonly string[];
  token_endpoint_auth_methods_supported?: readonly string[];
  token_endpoint_auth_signing_alg_values_supported?: readonly string[];
  authorization_details_types_supported?: readonly string[];
  /** OIDC discovery demands these two; access tokens are signed with the same keys. */
  subject_types_supported: readonly string[];
  id_token_signing_alg_values_supported: readonly string[];
  /** Ours: where gateways poll what was revoked, the limits behind each policy, and the registered models. */
  modelgate_revocations_endpoint?: string;
  modelgate_limits_endpoint?: string;
  modelgate_catalogue_endpoint?: string;
}
