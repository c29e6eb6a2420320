import { TokenEndpoint } from '@modelgate/issuance';
import { KeyRing } from '@modelgate/keys';
import type { ServerMetadata } from '@modelgate/oauth';
import { Controller, Get, Header, Inject } from '@nestjs/common';
import { Issuer } from './issuer.ts';

/** Authorization server metadata (RFC 8414) and the OpenID Connect discovery document that many verifiers ask for instead. */
@Controller('.well-known')
export class MetadataController {
  readonly #issuer: Issuer;
  readonly #keys: KeyRing;
  readonly #endpoint: TokenEndpoint;

  constructor(
    @Inject(Issuer) issuer: Issuer,
    @Inject(KeyRing) keys: KeyRing,
    @Inject(TokenEndpoint) endpoint: TokenEndpoint,
  ) {
    this.#issuer = issuer;
    this.#keys = keys;
    this.#endpoint = endpoint;
  }

  @Get(['oauth-authorization-server', 'openid-configuration'])
  @Header('cache-control', 'public, max-age=300')
  metadata(): ServerMetadata {
    const { url } = this.#issuer;
    return {
      issuer: url,
      token_endpoint: `${url}/oauth2/token`,
      revocation_endpoint: `${url}/oauth2/revoke`,
      jwks_uri: `${url}/.well-known/jwks.json`,
      response_types_supported: [],
      ...this.#endpoint.metadata,
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: this.#algorithms(),
      modelgate_revocations_endpoint: `${url}/revocations`,
      modelgate_limits_endpoint: `${url}/limits`,
      modelgate_catalogue_endpoint: `${url}/catalogue`,
    };
  }

  /** What is published now, never a list of its own. */
  #algorithms(): string[] {
    return [...this.#keys.jwks().algs];
  }
}
