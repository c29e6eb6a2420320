/**
 * One Ctrl-C arrives more than once: the terminal sends it to the whole group, and npm and run.mjs, which are of it, each pass
 * it on. What comes within this time is the same one.
 */
const sameRequestMs = 1_000;

/** Resolves at the first Ctrl-C; another one, later, ends the process at once. */
export function stopRequested(): Promise<void> {
  return new Promise((resolve) => {
    let askedAt: number | undefined;
    const ask = (): void => {
      const now = performance.now();
      if (askedAt !== undefined && now - askedAt > sameRequestMs) process.exit(130);
      askedAt ??= now;
      resolve();
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, ask);
  });
}
