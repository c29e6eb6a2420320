-- CreateTable
CREATE TABLE "jwks_readers" (
    "issuer" TEXT NOT NULL,
    "user_agent" TEXT NOT NULL,
    "source" TEXT NOT NULL,
    "requests" BIGINT NOT NULL,
    "read_at" TIMESTAMPTZ(3)[],

    CONSTRAINT "jwks_readers_pkey" PRIMARY KEY ("issuer","user_agent","source")
);
