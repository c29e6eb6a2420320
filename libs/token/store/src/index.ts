/**
 * The token side's ports on PostgreSQL: signing keys, revocations, used assertions, readers of the JWKS,
 * registered models, the audit log, and the migrations they stand on.
 * Owns every statement. Decides nothing: what a row means is the business of the domain whose port it implements.
 */
export { PrismaAuditLog } from './audit-log.ts';
export { Database } from './database.ts';
export { PrismaJwksReaders } from './jwks-readers.ts';
export { KeyChanges } from './key-changes.ts';
export { PrismaLiveTokens } from './live-tokens.ts';
export { migrate } from './migrate.ts';
export { PrismaModelStore } from './registered-models.ts';
export { PrismaRevocationStore } from './revocations.ts';
export { PrismaSigningKeyStore } from './signing-keys.ts';
export { PrismaAssertionIds } from './used-assertions.ts';
