import { OAuthError, type ClientCredentials, type ServerMetadata } from '@modelgate/oauth';
import type { AccessSnapshot } from '../access/access-snapshot.ts';
import type { Client } from './client.ts';

/** One way in which clients say who they are. A client authenticates with the one it is registered for and with no other. */
export abstract class AuthenticationMethod<C extends ClientCredentials = ClientCredentials> {
  /** As in the metadata (RFC 8414 §2, `token_endpoint_auth_methods_supported`). */
  abstract readonly names: readonly C['method'][];
  /** What it adds to the server's metadata beside its names. */
  readonly metadata: Partial<ServerMetadata> = {};

  /** @throws OAuthError invalid_client, the same sentence whatever is wrong */
  abstract authenticate(credentials: C, access: AccessSnapshot): Client | Promise<Client>;
}

/** @param detail for the log alone */
export function failed(detail: string): OAuthError {
  return new OAuthError('invalid_client', 'client authentication failed', { detail });
}
