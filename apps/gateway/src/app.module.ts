import { HealthModule } from '@modelgate/nest';
import type { DynamicModule } from '@nestjs/common';
import { DataPlaneServer } from './data-plane-server.ts';
import type { GatewayReadiness } from './readiness.ts';

/** The management surface, and the data plane's listener as a part with the application's life. */
export class AppModule {
  static with({ server, readiness }: { server: DataPlaneServer; readiness: GatewayReadiness }): DynamicModule {
    return {
      module: AppModule,
      imports: [HealthModule.with(readiness)],
      providers: [{ provide: DataPlaneServer, useValue: server }],
    };
  }
}
