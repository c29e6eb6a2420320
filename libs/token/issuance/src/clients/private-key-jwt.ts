import type { Clock } from '@modelgate/core';
import type { ClientCredentials } from '@modelgate/oauth';
import type { AccessSnapshot } from '../access/access-snapshot.ts';
import type { AssertionIds } from './assertion-ids.ts';
import { AuthenticationMethod, failed } from './authentication-method.ts';
import { assertionAlgorithms, AssertionError, parseAssertion, verifyAssertion } from './client-assertion.ts';
import type { Client } from './client.ts';

export interface PrivateKeyJwtOptions {
  assertions: AssertionIds;
  clock: Clock;
  /** What a client assertion may name as `aud`: our issuer URL and our token endpoint. */
  audiences: readonly string[];
}

type Keyed = Extract<ClientCredentials, { method: 'private_key_jwt' }>;

/** An assertion that the client has signed (RFC 7523 §2.2), good for one use. */
export class PrivateKeyJwt extends AuthenticationMethod<Keyed> {
  override readonly names = ['private_key_jwt'] as const;
  override readonly metadata = { token_endpoint_auth_signing_alg_values_supported: [...assertionAlgorithms] };
  readonly #options: PrivateKeyJwtOptions;

  constructor(options: PrivateKeyJwtOptions) {
    super();
    this.#options = options;
  }

  override async authenticate(credentials: Keyed, access: AccessSnapshot): Promise<Client> {
    try {
      return await this.#verify(credentials, access);
    } catch (error) {
      throw error instanceof AssertionError ? failed(`client assertion: ${error.message}`) : error;
    }
  }

  async #verify({ clientAssertion, clientId }: Keyed, { clients }: AccessSnapshot): Promise<Client> {
    const { clock, audiences, assertions } = this.#options;
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
  }
}
