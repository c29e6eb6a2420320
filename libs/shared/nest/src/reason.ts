const longest = 300;
/** Errors may be each other's cause. */
const deepest = 6;

/** What went wrong and what it came of, in one line of the log: the error's own message and those of its causes. */
export function reasonOf(error: unknown): string {
  const messages: string[] = [];
  for (let at = error, depth = 0; at !== undefined && depth < deepest; depth++) {
    const message = messageOf(at);
    if (!messages.some((known) => known.includes(message))) messages.push(message);
    at = at instanceof Error ? at.cause : undefined;
  }
  return messages.join(': ');
}

/** Node tries several addresses, and says in the errors of each, and nowhere else, why none would do. */
function messageOf(error: unknown): string {
  const told = error instanceof AggregateError && error.message === '' ? error.errors[0] : error;
  const text = told instanceof Error ? told.message || told.name : String(told);
  return text.trim().replaceAll(/\s+/g, ' ').slice(0, longest);
}
