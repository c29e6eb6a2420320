import { KeyRing, type Exposure, type WithdrawalResult } from '@modelgate/keys';
import { Body, Controller, Get, Header, HttpCode, Inject, Param, Post, Query, Req, UseGuards } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { VerifierCensus } from '../../keys/verifier-census.ts';
import { by, parse } from '../admin-request.ts';
import { AdminGuard, adminOf, Operation } from '../admin.guard.ts';
import { forceRoles, prepareSchema, rewrapSchema, rotateSchema, withdrawSchema } from './key-operations.ts';
import { keyList } from './key-list.ts';
import { LiveTokens } from './live-tokens.ts';
import { AdminProblem } from '../problem.ts';

const longestRehearsalSeconds = 366 * 86_400;

/** Signing keys, for the people who look after them. */
@Controller('admin/v1/keys')
@UseGuards(AdminGuard)
export class KeysController {
  readonly #keys: KeyRing;
  readonly #tokens: LiveTokens;
  readonly #census: VerifierCensus;

  constructor(
    @Inject(KeyRing) keys: KeyRing,
    @Inject(LiveTokens) tokens: LiveTokens,
    @Inject(VerifierCensus) census: VerifierCensus,
  ) {
    this.#keys = keys;
    this.#tokens = tokens;
    this.#census = census;
  }

  @Get()
  @Operation('listKeys')
  @Header('cache-control', 'no-store')
  async list(): Promise<object> {
    const report = await this.#keys.report();
    const liveTokens = await this.#tokens.count(report.keys.map(({ kid }) => kid));
    return keyList({ report, liveTokens, census: await this.#census.take(), problems: this.#keys.problems() });
  }

  @Get('jwks')
  @Operation('servedJwks')
  @Header('cache-control', 'no-store')
  jwks(): object {
    const { body, etag } = this.#keys.jwks();
    return { etag, ...(JSON.parse(body.toString()) as object) };
  }

  @Get('rehearsal')
  @Operation('rehearse')
  @Header('cache-control', 'no-store')
  async rehearse(@Query('within') within = '86400'): Promise<object> {
    const seconds = Number(within);
    if (!Number.isInteger(seconds) || seconds < 1 || seconds > longestRehearsalSeconds) {
      throw new AdminProblem(400, 'within is a whole number of seconds', `from 1 to ${longestRehearsalSeconds}`);
    }
    const steps = await this.#keys.rehearse({ seconds });
    return { steps: steps.map((step) => ({ ...step, at: new Date(step.at).toISOString() })) };
  }

  @Post('rotate')
  @HttpCode(200)
  @Operation('rotate')
  async rotate(@Body() body: unknown, @Req() request: FastifyRequest): Promise<object> {
    const { reason, alg, force = false, dryRun = false } = parse(rotateSchema, body);
    const admin = adminOf(request);
    if (force && !forceRoles.some((role) => admin.roles.includes(role))) {
      throw new AdminProblem(403, 'Your roles do not permit this', `force needs one of: ${forceRoles.join(', ')}`);
    }
    const change = { reason, requestId: request.id, actor: admin.subject, force, dryRun, ...(alg && { alg }) };
    const result = await this.#keys.rotate(change);
    return { ...result, blastRadius: shown(result.blastRadius) };
  }

  @Post('prepare')
  @HttpCode(200)
  @Operation('prepare')
  async prepare(@Body() body: unknown, @Req() request: FastifyRequest): Promise<object> {
    const { reason, alg } = parse(prepareSchema, body);
    const { kid, earliestActivation } = await this.#keys.prepare({ reason, ...by(request), ...(alg && { alg }) });
    return { kid, earliestActivation: new Date(earliestActivation).toISOString() };
  }

  @Post(':kid/suspect')
  @HttpCode(200)
  @Operation('suspect')
  async suspect(@Param('kid') kid: string, @Body() body: unknown, @Req() request: FastifyRequest): Promise<object> {
    const { reason, force = false, dryRun = false } = parse(withdrawSchema, body);
    return withdrawal(await this.#keys.suspect({ kid, reason, force, dryRun, ...by(request) }));
  }

  @Post(':kid/revoke')
  @HttpCode(200)
  @Operation('revoke')
  async revoke(@Param('kid') kid: string, @Body() body: unknown, @Req() request: FastifyRequest): Promise<object> {
    const { reason, force = false, dryRun = false } = parse(withdrawSchema, body);
    return withdrawal(await this.#keys.revoke({ kid, reason, force, dryRun, ...by(request) }));
  }

  @Post('restore')
  @HttpCode(200)
  @Operation('restore')
  async restore(@Body() body: unknown, @Req() request: FastifyRequest): Promise<{ restored: true }> {
    await this.#keys.restore({ reason: parse(rewrapSchema, body).reason, ...by(request) });
    return { restored: true };
  }

  @Post('rewrap')
  @HttpCode(200)
  @Operation('rewrap')
  async rewrap(@Body() body: unknown, @Req() request: FastifyRequest): Promise<{ kids: string[] }> {
    return { kids: await this.#keys.rewrap({ reason: parse(rewrapSchema, body).reason, ...by(request) }) };
  }
}

function withdrawal(result: WithdrawalResult): object {
  const { residualExposure, blastRadius } = result;
  return { ...result, residualExposure: shown(residualExposure), blastRadius: shown(blastRadius) };
}

/** JSON has no Infinity. */
function shown(exposure: readonly Exposure[]): { verifier: string; seconds: number | null }[] {
  return exposure.map(({ verifier, seconds }) => ({ verifier, seconds: Number.isFinite(seconds) ? seconds : null }));
}
