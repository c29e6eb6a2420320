-- Replicas listen: a key that was revoked is to leave every one of them at once, and not at its next tick. What a key has
-- signed is written down every minute and concerns nobody else.
CREATE FUNCTION "signing_keys_changed"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('modelgate_signing_keys', '');
    RETURN NULL;
END $$;
CREATE TRIGGER "signing_keys_changed" AFTER INSERT OR UPDATE OF "state" ON "signing_keys"
    FOR EACH STATEMENT EXECUTE FUNCTION "signing_keys_changed"();
