-- CreateTable
CREATE TABLE "used_assertions" (
    "id" TEXT NOT NULL,
    "expires_at" INTEGER NOT NULL,

    CONSTRAINT "used_assertions_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "used_assertions_expires_at_idx" ON "used_assertions"("expires_at");
