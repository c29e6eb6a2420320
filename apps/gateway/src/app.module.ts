import { HealthModule } from '@modelgate/nest';
import type { DynamicModule } from '@nestjs/common';
import { CatalogueController, CatalogueState } from './catalogue-state.ts';
import { DataPlaneServer } from './data-plane-server.ts';
import type { GatewayReadiness } from './readiness.ts';

export interface AppParts {
  server: DataPlaneServer;
  readiness: GatewayReadiness;
  catalogue: CatalogueState;
}

/** The management endpoints, and the data plane's listener bound to the application's lifecycle. */
export class AppModule {
  static with({ server, readiness, catalogue }: AppParts): DynamicModule {
    return {
      module: AppModule,
      imports: [HealthModule.with(readiness)],
      controllers: [CatalogueController],
      providers: [
        { provide: DataPlaneServer, useValue: server },
        { provide: CatalogueState, useValue: catalogue },
      ],
    };
  }
}
