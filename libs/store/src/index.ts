/**
 * The token side's ports on PostgreSQL: signing keys, revocations, the audit log, and the migrations they stand on.
 * Owns every statement. Decides nothing: what a row means is the business of the domain whose port it implements.
 */
export { PrismaAuditLog } from './audit-log.ts';
export { Database, type DatabaseOptions } from './database.ts';
export { PrismaLiveTokens } from './live-tokens.ts';
export { migrate, MigrationMismatch } from './migrate.ts';
export { PrismaRevocationStore } from './revocations.ts';
export { PrismaSigningKeyStore } from './signing-keys.ts';
