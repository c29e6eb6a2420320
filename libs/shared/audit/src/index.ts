/**
 * What is written down about every decision: the event schema and the AuditLog port.
 * Owns the shape of an event. Where events are kept is an adapter's business.
 */
export { AuditLog, type AuditEvent } from './audit-event.ts';
