import { parseClientCredentials, type FormParameters, type ServerMetadata } from '@modelgate/oauth';
import type { AccessSnapshot } from '../access/access-snapshot.ts';
import type { AccessSource } from '../access/access-source.ts';
import type { AuthenticationMethod } from './authentication-method.ts';
import { ClientSecret } from './client-secret.ts';
import type { Client } from './client.ts';
import { PrivateKeyJwt, type PrivateKeyJwtOptions } from './private-key-jwt.ts';
import { PublicClient } from './public-client.ts';

export interface ClientAuthenticationOptions extends PrivateKeyJwtOptions {
  access: AccessSource;
}

/** Who is calling (RFC 6749 §2.3): the methods there are, and the choice among them by what the request carries. */
export class ClientAuthentication {
  readonly #access: AccessSource;
  readonly #methods: readonly AuthenticationMethod[];

  constructor(options: ClientAuthenticationOptions) {
    this.#access = options.access;
    this.#methods = [new ClientSecret(), new PrivateKeyJwt(options), new PublicClient()];
  }

  /** What the methods add to the server's metadata. */
  get metadata(): Partial<ServerMetadata> {
    const names = this.#methods.flatMap((method) => method.names);
    const further = this.#methods.map(({ metadata }) => metadata);
    return Object.assign({ token_endpoint_auth_methods_supported: names }, ...further) as Partial<ServerMetadata>;
  }

  /**
   * @param access who is registered, for callers that decide more by the same snapshot
   * @throws OAuthError invalid_client, or invalid_request for more than one method
   */
  async authenticate(
    form: FormParameters,
    authorization: string | undefined,
    access: AccessSnapshot = this.#access.current,
  ): Promise<Client> {
    const credentials = parseClientCredentials(form, authorization);
    const method = this.#methods.find(({ names }) => names.includes(credentials.method));
    if (!method) throw new TypeError(`no method reads ${credentials.method}`);
    return method.authenticate(credentials, access);
  }
}
