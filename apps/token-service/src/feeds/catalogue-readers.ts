import type { ClientAuthentication } from '@modelgate/issuance';
import { clientAssertionTypeJwtBearer, OAuthError, type FormParameters } from '@modelgate/oauth';

/**
 * Who may read the registered models: clients that the access file marks as gateways. They authenticate as they would at
 * the token endpoint, but for the place of a client assertion: a GET has no body, and a URL ends in logs, so that it comes
 * as bearer token.
 */
export class CatalogueReaders {
  readonly #authentication: ClientAuthentication;

  constructor(authentication: ClientAuthentication) {
    this.#authentication = authentication;
  }

  /** @throws OAuthError invalid_client */
  async admit(authorization: string | undefined): Promise<void> {
    const assertion = /^bearer ([\w.-]+)$/i.exec(authorization ?? '')?.[1];
    const client =
      assertion === undefined
        ? await this.#authentication.authenticate(nothing, authorization)
        : await this.#authentication.authenticate(carrying(assertion), undefined);
    if (client.mayReadCatalogue === true) return;
    const detail = `client ${client.clientId} is no gateway: mayReadCatalogue is not set`;
    throw new OAuthError('invalid_client', 'the client may not read the catalogue', { detail });
  }
}

const nothing: FormParameters = new Map();

function carrying(assertion: string): FormParameters {
  return new Map([
    ['client_assertion', [assertion]],
    ['client_assertion_type', [clientAssertionTypeJwtBearer]],
  ]);
}
