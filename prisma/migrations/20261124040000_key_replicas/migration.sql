-- CreateTable
CREATE TABLE "key_replicas" (
    "issuer" TEXT NOT NULL,
    "replica" TEXT NOT NULL,
    "jwks_version" TEXT NOT NULL,
    "kids" TEXT[],
    "algs" TEXT[],
    "serving_seconds" DOUBLE PRECISION NOT NULL,
    "reported_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "key_replicas_pkey" PRIMARY KEY ("issuer","replica")
);

-- A revoked key is revoked for ever, whatever a replica believes; its row is what tells a restored database so.
CREATE FUNCTION "signing_keys_tombstones"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'signing keys are never deleted' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF OLD."state" = 'REVOKED' AND NEW."state" <> 'REVOKED' THEN
        RAISE EXCEPTION 'key % is revoked', OLD."kid" USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER "signing_keys_tombstones" BEFORE UPDATE OR DELETE ON "signing_keys"
    FOR EACH ROW EXECUTE FUNCTION "signing_keys_tombstones"();
