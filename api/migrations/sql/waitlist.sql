-- Freed time is written down where somebody may wait for it, in the statement that frees it, whoever
-- frees it: `api.services.waitlist.offers` makes the offers, before the transaction ends.

CREATE FUNCTION api_note_freed_time(place bigint, freed tstzrange, by_booking bigint) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    place_venue bigint;
BEGIN
    IF upper(freed) <= statement_timestamp() THEN
        RETURN;
    END IF;
    SELECT venue_id INTO place_venue FROM api_resource WHERE id = place;
    -- who joins holds this lock alone: either their entry is seen here, or what is freed is by them
    PERFORM pg_advisory_xact_lock_shared(x'77616974'::int, (place_venue % 2147483648)::int);
    INSERT INTO api_freedtime (resource_id, span, since)
        SELECT place, freed, coalesce((SELECT e.freed_at FROM api_waitlistentry e
            WHERE e.booking_id = by_booking AND e.status <> 'taken'), statement_timestamp())
        WHERE EXISTS (SELECT FROM api_waitlistentry e WHERE e.venue_id = place_venue
            AND e.status = 'waiting' AND e.from_at < upper(freed) AND e.until_at > lower(freed));
END $$;

-- What becomes of an offer becomes of the entry that it was made to.
CREATE FUNCTION api_booking_answers_offer() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    answer text := CASE NEW.status WHEN 'expired' THEN 'lapsed' WHEN 'cancelled' THEN 'declined'
        ELSE 'taken' END;
BEGIN
    -- the clock may have reached the entry while the offer was being accepted
    UPDATE api_waitlistentry SET status = answer, version = version + 1,
        updated_at = statement_timestamp() WHERE booking_id = NEW.id
        AND (status = 'offered' OR (status = 'lapsed' AND answer = 'taken'));
    RETURN NULL;
END $$;

CREATE TRIGGER booking_answers_offer AFTER UPDATE OF status ON api_booking FOR EACH ROW
    WHEN (OLD.status = 'offered' AND NEW.status <> 'offered')
    EXECUTE FUNCTION api_booking_answers_offer();

