/**
 * The counter of one subject on one model under one policy. Each part is preceded by its length, so that no choice of
 * names makes two of them meet.
 *
 * @param policy undefined where the token names none
 */
export function limitKey(policy: string | undefined, subject: string, model: string): string {
  const named = policy === undefined ? '-' : `${policy.length}:${policy}`;
  return `${named}|${subject.length}:${subject}|${model}`;
}
