import { hostsOf } from './model-hosts.ts';
import { serviceNameOf } from './service-name.ts';

/** Who has what another model wants: the name itself, or a host that both would have. */
export interface Clash {
  owner: string;
  /** Absent where it is the name. */
  host?: string;
}

/** The names and hosts that models of one domain have, each of one model alone. */
export class TakenNames {
  readonly #domain: string;
  readonly #names = new Set<string>();
  readonly #ownerOf = new Map<string, string>();

  constructor(domain: string) {
    this.#domain = domain;
  }

  /** Takes a model's name and hosts. @returns who has one of them already; then nothing is taken */
  take(entry: { model: string }): Clash | undefined {
    const { model } = entry;
    if (this.#names.has(model)) return { owner: model };
    const hosts = hostsOf(serviceNameOf(entry), this.#domain);
    for (const host of hosts) {
      const owner = this.#ownerOf.get(host);
      if (owner !== undefined) return { owner, host };
    }
    this.#names.add(model);
    for (const host of hosts) this.#ownerOf.set(host, model);
    return undefined;
  }
}
