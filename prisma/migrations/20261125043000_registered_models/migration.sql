-- CreateTable
CREATE TABLE "registered_models" (
    "model" TEXT NOT NULL,
    "entry" JSONB NOT NULL,
    "version" SERIAL NOT NULL,
    "changed_at" TIMESTAMPTZ(3) NOT NULL,
    "changed_by" TEXT NOT NULL,

    CONSTRAINT "registered_models_pkey" PRIMARY KEY ("model")
);

-- AlterTable
ALTER TABLE "audit_events" ADD COLUMN "model" TEXT;
