import type { Clock } from '@modelgate/core';
import { createHash, timingSafeEqual } from 'node:crypto';
import { OAuthError, parseClientCredentials, type ClientCredentials, type FormParameters } from '@modelgate/oauth';
import type { AccessSnapshot } from '../access/access-snapshot.ts';
import type { AccessSource } from '../access/access-source.ts';
import type { AssertionIds } from './assertion-ids.ts';
import { assertionAlgorithms, AssertionError, parseAssertion, verifyAssertion } from './client-assertion.ts';
import type { Client } from './client.ts';

export interface ClientAuthenticationOptions {
  access: AccessSource;
  assertions: AssertionIds;
  clock: Clock;
  /** What a client assertion may name as `aud`: our issuer URL and our token endpoint. */
  audiences: readonly string[];
}

type Keyed = Extract<ClientCredentials, { method: 'private_key_jwt' }>;
type Secret = Extract<ClientCredentials, { clientSecret: string }>;

/** Stands in for the secret of a client that does not exist, so that its name cannot be found by timing. */
const nobodysSecret = ['0'.repeat(64)];

/**
 * Who is calling (RFC 6749 §2.3, RFC 7523 §2.2). A client authenticates with the method it is registered for and with no
 * other; whatever is wrong, the caller reads the same sentence.
 */
export class ClientAuthentication {
  readonly #options: ClientAuthenticationOptions;

  constructor(options: ClientAuthenticationOptions) {
    this.#options = options;
  }

  /**
   * @param access who is registered, for whoever decides more by the same snapshot
   * @throws OAuthError invalid_client, or invalid_request for more than one method
   */
  async authenticate(
    form: FormParameters,
    authorization: string | undefined,
    access: AccessSnapshot = this.#options.access.current,
  ): Promise<Client> {
    const credentials = parseClientCredentials(form, authorization);
    if (credentials.method === 'private_key_jwt') return this.#byAssertion(credentials, access);
    const client = access.clients.get(credentials.clientId);
    if (credentials.method === 'none') return publicClient(client);
    return withSecret(client, credentials);
  }

  async #byAssertion({ clientAssertion, clientId }: Keyed, { clients }: AccessSnapshot): Promise<Client> {
    const { clock, audiences, assertions } = this.#options;
    try {
      const jws = parseAssertion(clientAssertion);
      const { sub } = jws.payload;
      if (typeof sub !== 'string' || (clientId !== undefined && clientId !== sub)) {
        throw new AssertionError('sub is missing or differs from client_id');
      }
      const client = clients.get(sub);
      if (client?.authentication !== 'private_key_jwt') throw new AssertionError('not a client of this method');
      const now = clock.seconds();
      const { jti, expiresAt } = verifyAssertion(jws, client, { audiences, now });
      if (!(await assertions.use(client.clientId, jti, expiresAt, now))) throw new AssertionError('it was used before');
      return client;
    } catch (error) {
      throw error instanceof AssertionError ? failed(`client assertion: ${error.message}`) : error;
    }
  }
}

/** What this adds to the server's metadata. */
export const clientAuthenticationMetadata = {
  token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
  token_endpoint_auth_signing_alg_values_supported: [...assertionAlgorithms],
} as const;

function publicClient(client: Client | undefined): Client {
  if (client?.authentication === 'none') return client;
  throw failed(client ? 'a confidential client sent no credentials' : 'unknown client');
}

function withSecret(client: Client | undefined, { clientSecret }: Secret): Client {
  const registered = client?.authentication === 'client_secret' ? client.secretSha256 : [];
  const presented = createHash('sha256').update(clientSecret).digest();
  let matched = false;
  for (const hex of registered.length > 0 ? registered : nobodysSecret) {
    const expected = Buffer.from(hex, 'hex');
    if (expected.length === presented.length && timingSafeEqual(expected, presented)) matched = true;
  }
  if (client && matched && registered.length > 0) return client;
  throw failed(client?.authentication === 'client_secret' ? 'wrong client secret' : 'not a client with a secret');
}

function failed(detail: string): OAuthError {
  return new OAuthError('invalid_client', 'client authentication failed', { detail });
}
