import { sendTagged } from '@modelgate/nest';
import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LimitsFeed } from './limits-feed.ts';
import { RevocationsFeed } from './revocations-feed.ts';

/** What gateways poll: what was revoked, and the limit behind each policy. Neither names a subject or a secret. */
@Controller()
export class FeedsController {
  readonly #revocations: RevocationsFeed;
  readonly #limits: LimitsFeed;

  constructor(@Inject(RevocationsFeed) revocations: RevocationsFeed, @Inject(LimitsFeed) limits: LimitsFeed) {
    this.#revocations = revocations;
    this.#limits = limits;
  }

  @Get('revocations')
  async revocations(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await sendTagged(request, reply, await this.#revocations.document(), 'no-cache');
  }

  @Get('limits')
  async limits(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await sendTagged(request, reply, this.#limits.document(), 'no-cache');
  }
}
