import { KeyRing } from '@modelgate/keys';
import { sendTagged } from '@modelgate/nest';
import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { VerifierCensus } from './verifier-census.ts';

/** The keys verifiers need (RFC 7517 §5), from memory: a flood of requests and a database that is away are nothing to it. */
@Controller('.well-known/jwks.json')
export class JwksController {
  readonly #keys: KeyRing;
  readonly #census: VerifierCensus;

  constructor(@Inject(KeyRing) keys: KeyRing, @Inject(VerifierCensus) census: VerifierCensus) {
    this.#keys = keys;
    this.#census = census;
  }

  @Get()
  jwks(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const document = this.#keys.jwks();
    this.#census.record(request);
    return sendTagged(request, reply, document, `public, max-age=${document.maxAgeSeconds}, stale-if-error=86400`);
  }
}
