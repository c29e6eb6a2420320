import type { JWK } from 'jose';

/** A client of the token endpoint. */
export type Client = {
  clientId: string;
  /** Authorized parties whose subject tokens this client may present beside its own. Empty for `none`. */
  mayExchange: readonly string[];
  /**
   * Ids of the trusted issuers in whose name space `clientId` and `mayExchange` are: an `azp` of the same spelling from
   * another issuer is another client. Absent: the only trusted issuer there is, and none where there are several.
   */
  issuers?: readonly string[];
  /** Whether it may revoke tokens that were issued to other clients. */
  mayRevokeAny?: boolean;
  /** Whether it is a gateway, which reads the registered models. */
  mayReadCatalogue?: boolean;
} & (
  | { authentication: 'none' }
  /** Lower-case hex SHA-256 of a high-entropy secret; several while one replaces another. */
  | { authentication: 'client_secret'; secretSha256: readonly string[] }
  | { authentication: 'private_key_jwt'; keys: readonly JWK[] }
);
