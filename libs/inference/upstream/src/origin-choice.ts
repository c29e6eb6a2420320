/** One of several equivalent servers. */
export interface Choice<T> {
  readonly healthy: boolean;
  /** The number of exchanges under way. */
  readonly load: number;
  dispatch(exchange: T): void;
}

/**
 * Chooses one of several equivalent origins: of two healthy ones picked at random, the less loaded one. This "power of
 * two choices" balances the load without a shared counter. An origin that could send nothing passes the exchange on; an
 * origin that was tried is not tried again.
 */
export function dispatchToOne<T extends { elsewhere: (() => boolean) | undefined }>(
  exchange: T,
  origins: readonly Choice<T>[],
  random: () => number,
): void {
  const untried = [...origins];
  const next = (): boolean => {
    const origin = takeOne(untried, random);
    origin?.dispatch(exchange);
    return origin !== undefined;
  };
  exchange.elsewhere = next;
  next();
}

function takeOne<T>(untried: Choice<T>[], random: () => number): Choice<T> | undefined {
  const healthy = untried.filter((origin) => origin.healthy);
  const eligible = healthy.length > 0 ? healthy : untried;
  const at = (): Choice<T> | undefined => eligible[Math.floor(random() * eligible.length)];
  const [one, other] = [at(), at()];
  const chosen = one && other && other.load < one.load ? other : one;
  if (chosen) untried.splice(untried.indexOf(chosen), 1);
  return chosen;
}
