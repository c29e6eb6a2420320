import { RevocationEndpoint } from '@modelgate/issuance';
import { Controller, Header, HttpCode, Inject, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { formOf } from './token.controller.ts';

/** The revocation endpoint (RFC 7009). */
@Controller('oauth2/revoke')
export class RevocationController {
  readonly #endpoint: RevocationEndpoint;

  constructor(@Inject(RevocationEndpoint) endpoint: RevocationEndpoint) {
    this.#endpoint = endpoint;
  }

  @Post()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  async revoke(@Req() request: FastifyRequest): Promise<void> {
    await this.#endpoint.handle({
      form: formOf(request),
      authorization: request.headers.authorization,
      requestId: request.id,
    });
  }
}
