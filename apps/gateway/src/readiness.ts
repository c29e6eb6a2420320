import { ReadinessChecks } from '@modelgate/nest';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterModels } from './cluster-models.ts';
import type { DataPlaneServer } from './data-plane-server.ts';
import type { IssuerTrust } from './issuer-trust.ts';
import type { RegisteredModels } from './registered-models.ts';

export interface ReadinessParts {
  trust: IssuerTrust;
  server: DataPlaneServer;
  cluster: ClusterModels | undefined;
  registered: RegisteredModels | undefined;
}

/** Ready if tokens can be verified, the models are known, and the process was not asked to stop. */
export class GatewayReadiness extends ReadinessChecks {
  readonly #parts: ReadinessParts;

  constructor(parts: ReadinessParts) {
    super();
    this.#parts = parts;
  }

  run(): Promise<Record<string, string | undefined>> {
    return Promise.resolve(this.#checks);
  }

  /**
   *
   * @returns false if the process was already asked to stop
   */
  async untilReady(): Promise<boolean> {
    const { server } = this.#parts;
    while (!server.draining && !Object.values(this.#checks).every((problem) => problem === undefined)) await sleep(20);
    return !server.draining;
  }

  get #checks(): Record<string, string | undefined> {
    const { trust, server, cluster, registered } = this.#parts;
    return {
      issuer: trust.problem,
      listener: server.draining ? 'the gateway is stopping' : undefined,
      ...(registered && { registered: registered.problem }),
      ...(cluster && { models: cluster.problem }),
    };
  }
}
