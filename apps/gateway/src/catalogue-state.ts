import { formatModelRef } from '@modelgate/scope';
import { Controller, Get, Header, Inject } from '@nestjs/common';
import type { ClusterModels, ClusterReport } from './cluster-models.ts';
import type { CurrentCatalogue } from './current-catalogue.ts';
import type { RegisteredModels, RegistryReport } from './registered-models.ts';

/** The models that are served, those that are not, and the reasons. */
export interface CatalogueReport {
  models: readonly { model: string; protocols: readonly string[] }[];
  /** Why the current content of the catalogue file is not in use; null if it is. */
  problem: string | null;
  /** Models of further sources that models of higher precedence displace. */
  leftOut: readonly string[];
  /** Absent if the issuer is not asked for models. */
  registered?: RegistryReport;
  /** Absent if discovery is not configured. */
  cluster?: ClusterReport;
}

export interface CatalogueParts {
  catalogue: CurrentCatalogue;
  registered: RegisteredModels | undefined;
  cluster: ClusterModels | undefined;
}

export class CatalogueState {
  readonly #parts: CatalogueParts;

  constructor(parts: CatalogueParts) {
    this.#parts = parts;
  }

  report(): CatalogueReport {
    const { catalogue, registered, cluster } = this.#parts;
    const { current, problem, leftOut } = catalogue;
    return {
      models: current.models().map(({ model, protocols }) => ({ model: formatModelRef(model), protocols })),
      problem: problem ?? null,
      leftOut,
      ...(registered && { registered: registered.report() }),
      ...(cluster && { cluster: cluster.report() }),
    };
  }
}

/** `GET /catalogue` of the management listener, for the operator. */
@Controller('catalogue')
export class CatalogueController {
  readonly #state: CatalogueState;

  constructor(@Inject(CatalogueState) state: CatalogueState) {
    this.#state = state;
  }

  @Get()
  @Header('cache-control', 'no-store')
  report(): CatalogueReport {
    return this.#state.report();
  }
}
