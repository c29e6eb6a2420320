/** One of several servers that serve the same. */
export interface Choice<T> {
  readonly healthy: boolean;
  /** What it has under way. */
  readonly load: number;
  dispatch(exchange: T): void;
}

/**
 * Gives an exchange to one of several origins that serve the same: of two healthy ones taken at random, the one with less to do
 * ("the power of two choices" keeps loads even without anybody counting for all). One that sends nothing hands it on; who
 * has been tried is not tried again.
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
