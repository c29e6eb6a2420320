import { KeyRing } from '@modelgate/keys';
import { ModelRegistry } from '@modelgate/model-registry';
import type { DynamicModule } from '@nestjs/common';
import { PassportModule } from '@nestjs/passport';
import type { AdminParts } from '../composition.ts';
import { VerifierCensus } from '../keys/verifier-census.ts';
import { AdminAccess } from './admin-access.ts';
import { AdminGuard } from './admin.guard.ts';
import { AdminStrategy } from './admin.strategy.ts';
import { KeysController } from './keys/keys.controller.ts';
import { LiveTokens } from './keys/live-tokens.ts';
import { ModelsController } from './models/models.controller.ts';
import { OpenApiController } from './openapi.controller.ts';

/** The admin API, on a listener of its own. */
export class AdminModule {
  static with(parts: AdminParts): DynamicModule {
    return {
      module: AdminModule,
      imports: [PassportModule],
      controllers: [KeysController, ModelsController, OpenApiController],
      providers: [
        { provide: KeyRing, useValue: parts.keys },
        { provide: VerifierCensus, useValue: parts.census },
        { provide: AdminAccess, useValue: parts.access },
        { provide: LiveTokens, useValue: parts.liveTokens },
        { provide: ModelRegistry, useValue: parts.models },
        {
          provide: AdminStrategy,
          useFactory: (access: AdminAccess) => new AdminStrategy(access),
          inject: [AdminAccess],
        },
        AdminGuard,
      ],
    };
  }
}
