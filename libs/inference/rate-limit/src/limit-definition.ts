/**
 * The key of the counter of one subject on one model under one policy. Each part is prefixed with its length, so
 * different names never yield the same key.
 *
 * @param policy undefined if the token names none
 */
export function limitKey(policy: string | undefined, subject: string, model: string): string {
  const named = policy === undefined ? '-' : `${policy.length}:${policy}`;
  return `${named}|${subject.length}:${subject}|${model}`;
}
