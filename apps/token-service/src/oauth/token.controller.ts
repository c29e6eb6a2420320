import { TokenEndpoint } from '@modelgate/issuance';
import { OAuthError, type TokenResponse } from '@modelgate/oauth';
import { Controller, Header, HttpCode, Inject, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/** The token endpoint (RFC 6749 §3.2). */
@Controller('oauth2/token')
export class TokenController {
  readonly #endpoint: TokenEndpoint;

  constructor(@Inject(TokenEndpoint) endpoint: TokenEndpoint) {
    this.#endpoint = endpoint;
  }

  @Post()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  token(@Req() request: FastifyRequest): Promise<TokenResponse> {
    return this.#endpoint.handle({
      form: formOf(request),
      authorization: request.headers.authorization,
      requestId: request.id,
    });
  }
}

/** The body of a POST to an OAuth endpoint. @throws OAuthError for parameters in the URL, where logs would keep them */
export function formOf(request: FastifyRequest): string {
  if (request.url.includes('?')) {
    throw new OAuthError('invalid_request', 'parameters belong into the body', { detail: 'the URL has a query' });
  }
  return typeof request.body === 'string' ? request.body : '';
}
