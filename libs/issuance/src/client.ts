import type { JWK } from 'jose';

/** A client of the token endpoint. */
export type Client = { clientId: string; mayExchange: readonly string[] } & (
  | { authentication: 'none' }
  /** Lower-case hex SHA-256 of a high-entropy secret. */
  | { authentication: 'client_secret'; secretSha256: readonly string[] }
  | { authentication: 'private_key_jwt'; keys: readonly JWK[] }
);
// `mayExchange`: authorized parties whose subject tokens this client may present beside its own. Empty for `none`.

/** The registered clients, answered from memory. */
export abstract class ClientRegistry {
  abstract find(clientId: string): Client | undefined;
}
