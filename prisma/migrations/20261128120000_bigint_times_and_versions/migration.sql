-- Seconds since the epoch outgrow an integer in 2038, and a policy's version may be a date such as 202611280930. Columns only
-- widen, so that the release before this one goes on reading and writing them. Each table is rewritten under its lock.
-- AlterTable
ALTER TABLE "signing_keys" ALTER COLUMN "last_signed_exp" SET DATA TYPE BIGINT;

-- AlterTable
ALTER TABLE "revoked_tokens" ALTER COLUMN "expires_at" SET DATA TYPE BIGINT;

-- AlterTable
ALTER TABLE "used_assertions" ALTER COLUMN "expires_at" SET DATA TYPE BIGINT;

-- AlterTable
ALTER TABLE "audit_events" ALTER COLUMN "policy_version" SET DATA TYPE BIGINT,
ALTER COLUMN "expires_at" SET DATA TYPE BIGINT;
