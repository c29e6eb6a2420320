import { RevocationEndpoint, TokenEndpoint } from '@modelgate/issuance';
import { KeyRing } from '@modelgate/keys';
import { HealthModule } from '@modelgate/nest';
import type { DynamicModule } from '@nestjs/common';
import { CatalogueFeed } from './feeds/catalogue-feed.ts';
import { CatalogueReaders } from './feeds/catalogue-readers.ts';
import { CatalogueController } from './feeds/catalogue.controller.ts';
import type { Composition } from './composition.ts';
import { FeedsController } from './feeds/feeds.controller.ts';
import { Issuer } from './oauth/issuer.ts';
import { JwksController } from './keys/jwks.controller.ts';
import { KeyReconciler } from './keys/key-reconciler.ts';
import { LimitsFeed } from './feeds/limits-feed.ts';
import { MetadataController } from './oauth/metadata.controller.ts';
import { RevocationController } from './oauth/revocation.controller.ts';
import { RevocationsFeed } from './feeds/revocations-feed.ts';
import { VerifierCensus } from './keys/verifier-census.ts';
import { TokenController } from './oauth/token.controller.ts';

/** The service's HTTP surface. What stands behind it is composed in `composition.ts`. */
export class AppModule {
  static with(parts: Composition): DynamicModule {
    return {
      module: AppModule,
      imports: [HealthModule.with(parts.readiness)],
      controllers: [
        TokenController,
        RevocationController,
        JwksController,
        MetadataController,
        FeedsController,
        CatalogueController,
      ],
      providers: [
        { provide: Issuer, useValue: parts.issuer },
        { provide: KeyRing, useValue: parts.keys },
        { provide: KeyReconciler, useValue: parts.reconciler },
        { provide: TokenEndpoint, useValue: parts.tokenEndpoint },
        { provide: RevocationEndpoint, useValue: parts.revocationEndpoint },
        { provide: RevocationsFeed, useValue: parts.revocations },
        { provide: LimitsFeed, useValue: parts.limits },
        { provide: CatalogueFeed, useValue: parts.catalogue.feed },
        { provide: CatalogueReaders, useValue: parts.catalogue.readers },
        { provide: VerifierCensus, useValue: parts.census },
      ],
    };
  }
}
