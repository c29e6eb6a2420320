/** How many tokens each key has signed that somebody may still use. */
export abstract class LiveTokens {
  /** @throws StoreUnavailable */
  abstract count(kids: readonly string[]): Promise<ReadonlyMap<string, number>>;
}
