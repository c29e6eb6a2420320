import { formatScope, permits, type ModelGrant } from '@modelgate/scope';
import { deny, type Denial } from './denial/denial.ts';
import type { Operation } from './operation.ts';

/**
 *
 * @returns undefined if the token permits the operation, otherwise the denial that names the missing scope
 */
export function decide(
  token: { grants: readonly ModelGrant[] },
  { model, verb }: Pick<Operation, 'model' | 'verb'>,
): Denial | undefined {
  if (permits(token.grants, model, verb)) return undefined;
  return deny('insufficient_scope', { scope: formatScope([{ model, verbs: [verb] }]) });
}
