import type { AuditEvent } from '@modelgate/audit';
import type { Prisma } from './generated/client.ts';

export function auditRow({ at, ...event }: AuditEvent): Prisma.AuditEventCreateManyInput {
  return { ...event, at: new Date(at) };
}
