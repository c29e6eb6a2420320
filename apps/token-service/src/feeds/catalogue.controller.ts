import { sendTagged } from '@modelgate/nest';
import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CatalogueFeed } from './catalogue-feed.ts';
import { CatalogueReaders } from './catalogue-readers.ts';

/** The registered models, for gateways alone: where models are served is nobody else's business. */
@Controller('catalogue')
export class CatalogueController {
  readonly #feed: CatalogueFeed;
  readonly #readers: CatalogueReaders;

  constructor(@Inject(CatalogueFeed) feed: CatalogueFeed, @Inject(CatalogueReaders) readers: CatalogueReaders) {
    this.#feed = feed;
    this.#readers = readers;
  }

  @Get()
  async catalogue(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.#readers.admit(request.headers.authorization).catch((error: unknown) => {
      // Unlike at the token endpoint, no body could have carried the credentials (RFC 9110 §15.5.2).
      reply.header('www-authenticate', 'Basic realm="catalogue", charset="UTF-8"');
      throw error;
    });
    await sendTagged(request, reply, await this.#feed.document(), 'private, no-cache');
  }
}
