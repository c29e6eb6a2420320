import { assertionAlgorithms } from '@modelgate/issuance';
import { KeyRing } from '@modelgate/keys';
import { GrantType, type ServerMetadata } from '@modelgate/oauth';
import { authorizationDetailsType } from '@modelgate/scope';
import { Controller, Get, Header, Inject } from '@nestjs/common';
import { Issuer } from './issuer.ts';

/** Authorization server metadata (RFC 8414) and the OpenID Connect discovery document that many verifiers ask for instead. */
@Controller('.well-known')
export class MetadataController {
  readonly #issuer: Issuer;
  readonly #keys: KeyRing;

  constructor(@Inject(Issuer) issuer: Issuer, @Inject(KeyRing) keys: KeyRing) {
    this.#issuer = issuer;
    this.#keys = keys;
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
      grant_types_supported: [GrantType.tokenExchange],
      response_types_supported: [],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
      token_endpoint_auth_signing_alg_values_supported: [...assertionAlgorithms],
      authorization_details_types_supported: [authorizationDetailsType],
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
