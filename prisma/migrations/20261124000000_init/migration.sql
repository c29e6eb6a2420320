-- CreateEnum
CREATE TYPE "key_state" AS ENUM ('STANDBY', 'ACTIVE', 'RETIRING', 'RETIRED', 'SUSPECT', 'REVOKED');

-- CreateTable
CREATE TABLE "signing_keys" (
    "kid" TEXT NOT NULL,
    "issuer" TEXT NOT NULL,
    "alg" TEXT NOT NULL,
    "state" "key_state" NOT NULL,
    "version" INTEGER NOT NULL,
    "public_jwk" JSONB NOT NULL,
    "sealed" JSONB,
    "bootstrap" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "published_at" TIMESTAMPTZ(3),
    "activated_at" TIMESTAMPTZ(3),
    "retired_at" TIMESTAMPTZ(3),
    "last_signed_exp" INTEGER,

    CONSTRAINT "signing_keys_pkey" PRIMARY KEY ("kid")
);

-- CreateTable
CREATE TABLE "revoked_tokens" (
    "jti" TEXT NOT NULL,
    "expires_at" INTEGER NOT NULL,
    "revoked_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "revoked_tokens_pkey" PRIMARY KEY ("jti")
);

-- CreateTable
CREATE TABLE "audit_events" (
    "id" BIGSERIAL NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "request_id" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "outcome" TEXT NOT NULL,
    "reason" TEXT,
    "client_id" TEXT,
    "subject" TEXT,
    "actor" TEXT,
    "issuer" TEXT,
    "policy" TEXT,
    "policy_version" INTEGER,
    "jti" TEXT,
    "kid" TEXT,
    "scope" TEXT,
    "expires_at" INTEGER,

    CONSTRAINT "audit_events_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "signing_keys_issuer_state_idx" ON "signing_keys"("issuer", "state");

-- CreateIndex
CREATE INDEX "revoked_tokens_expires_at_idx" ON "revoked_tokens"("expires_at");

-- CreateIndex
CREATE INDEX "audit_events_at_idx" ON "audit_events"("at");

-- CreateIndex
CREATE INDEX "audit_events_jti_idx" ON "audit_events"("jti");

-- One key signs and one waits, per issuer and algorithm, whatever two replicas believe at the same time.
CREATE UNIQUE INDEX "signing_keys_one_active" ON "signing_keys"("issuer", "alg") WHERE "state" = 'ACTIVE';
CREATE UNIQUE INDEX "signing_keys_one_standby" ON "signing_keys"("issuer", "alg") WHERE "state" = 'STANDBY';

-- The private part is destroyed on leaving ACTIVE.
ALTER TABLE "signing_keys" ADD CONSTRAINT "signing_keys_private_part"
    CHECK (("sealed" IS NOT NULL) = ("state" IN ('STANDBY', 'ACTIVE')));
