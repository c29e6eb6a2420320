import { KekError, KekProvider, type WrappedKey } from './kek-provider.ts';

/** A provider, and which keys it knows by their names. */
export interface KekChainLink {
  provider: KekProvider;
  owns: (kekId: string) => boolean;
}

/** Several providers during a move from one to another: the first one wraps, each unwraps what is its own. */
export class KekChain extends KekProvider {
  readonly #links: readonly [KekChainLink, ...KekChainLink[]];

  constructor(links: readonly [KekChainLink, ...KekChainLink[]]) {
    super();
    this.#links = links;
  }

  wrap(dataKey: Uint8Array, aad: Uint8Array): Promise<WrappedKey> {
    return this.#links[0].provider.wrap(dataKey, aad);
  }

  unwrap(wrapped: WrappedKey, aad: Uint8Array): Promise<Uint8Array> {
    const link = this.#links.find(({ owns }) => owns(wrapped.kekId));
    if (!link) return Promise.reject(new KekError('no provider that is configured knows it'));
    return link.provider.unwrap(wrapped, aad);
  }
}
