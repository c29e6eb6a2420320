import type { AuditEvent } from '@modelgate/audit';
import type { ModelChange } from './model-store.ts';
import type { RegisteredModel } from './registered-model.ts';

/** What the audit log keeps of a change: who, why, which model, and where its requests go from now on. */
export function auditOf(
  { model, entry, actor, reason, requestId }: ModelChange,
  before: RegisteredModel | undefined,
  after: { version: number; at: number },
): AuditEvent {
  const action = entry ? (before ? 'model.replace' : 'model.register') : 'model.delete';
  const where = entry
    ? `version ${after.version} at ${[entry['upstream']].flat().join(' ')}`
    : `version ${after.version}`;
  return { at: after.at, requestId, action, outcome: 'done', actor, model, reason: `${where}: ${reason}` };
}
