import { Controller, Get, Header, Inject, Res, type DynamicModule } from '@nestjs/common';
import type { FastifyReply } from 'fastify';

/** What must hold for traffic to come here: name → undefined, or why it does not hold. */
export abstract class ReadinessChecks {
  abstract run(): Promise<Readonly<Record<string, string | undefined>>>;
}

@Controller('health')
class HealthController {
  readonly #checks: ReadinessChecks;

  constructor(@Inject(ReadinessChecks) checks: ReadinessChecks) {
    this.#checks = checks;
  }

  /** The process runs and answers. */
  @Get('live')
  @Header('cache-control', 'no-store')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** Traffic may come: 200, or 503 with what is missing. */
  @Get('ready')
  @Header('cache-control', 'no-store')
  async ready(@Res() reply: FastifyReply): Promise<void> {
    const checks = await this.#checks.run();
    const missing = Object.entries(checks).filter(([, reason]) => reason !== undefined);
    const status = missing.length === 0 ? 'ok' : 'not ready';
    await reply.status(missing.length === 0 ? 200 : 503).send({ status, checks: report(checks) });
  }
}

function report(checks: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(checks).map(([name, reason]) => [name, reason ?? 'ok']));
}

/** `/health/live` and `/health/ready`. */
export class HealthModule {
  static with(checks: ReadinessChecks): DynamicModule {
    return {
      module: HealthModule,
      controllers: [HealthController],
      providers: [{ provide: ReadinessChecks, useValue: checks }],
    };
  }
}
