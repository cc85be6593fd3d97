-- What a booking occupies follows the booking, in the statement that changes it, whoever changes it.

CREATE FUNCTION api_status_blocks(status text) RETURNS boolean LANGUAGE sql IMMUTABLE AS
    $$ SELECT status IN ('offered', 'held', 'pending', 'confirmed', 'checked_in') $$;

-- Called on the number of allocations that a statement has inserted: all that were wanted, or none.
CREATE FUNCTION api_all_or_nothing(inserted bigint, wanted bigint) RETURNS boolean
    LANGUAGE plpgsql AS $$
BEGIN
    IF inserted < wanted THEN
        RAISE EXCEPTION 'a part of it is taken' USING ERRCODE = '23P01';
    END IF;
    RETURN true;
END $$;

-- Whoever inserts a booking with its allocations has nothing left to do here; a bare row gets the
-- lowest free units, or is refused.
CREATE FUNCTION api_booking_allocates() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    place api_resource;
    whole tstzrange;
    inserted bigint;
BEGIN
    IF EXISTS (SELECT FROM api_allocation WHERE booking_id = NEW.id) THEN
        RETURN NULL;
    END IF;
    SELECT * INTO place FROM api_resource WHERE id = NEW.resource_id;
    whole := tstzrange(NEW.starts_at - place.buffer_before, NEW.ends_at + place.buffer_after);
    INSERT INTO api_allocation (booking_id, resource_id, unit, span, blocking, kind)
        SELECT NEW.id, NEW.resource_id, n, whole, api_status_blocks(NEW.status), 'booking'
        FROM generate_series(1::bigint, place.units::bigint) n
        WHERE NOT api_status_blocks(NEW.status) OR NOT EXISTS (SELECT FROM api_allocation a
            WHERE a.resource_id = NEW.resource_id AND a.unit = n AND a.span && whole AND a.blocking)
        ORDER BY n LIMIT NEW.quantity;
    GET DIAGNOSTICS inserted = ROW_COUNT;
    PERFORM api_all_or_nothing(inserted, NEW.quantity);
    RETURN NULL;
END $$;

CREATE TRIGGER booking_allocates AFTER INSERT ON api_booking
    FOR EACH ROW EXECUTE FUNCTION api_booking_allocates();

CREATE FUNCTION api_booking_moves_allocations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE api_allocation SET
        booking_id = NEW.id,
        blocking = api_status_blocks(NEW.status),
        span = tstzrange(NEW.starts_at - (OLD.starts_at - lower(span)),
            NEW.ends_at + (upper(span) - OLD.ends_at)),
        resource_id = CASE kind WHEN 'booking' THEN NEW.resource_id ELSE resource_id END
        WHERE booking_id = OLD.id;
    RETURN NULL;
END $$;

CREATE TRIGGER booking_moves_allocations
    AFTER UPDATE OF id, status, starts_at, ends_at, resource_id ON api_booking FOR EACH ROW
    WHEN (api_status_blocks(OLD.status) <> api_status_blocks(NEW.status)
        OR OLD.starts_at <> NEW.starts_at OR OLD.ends_at <> NEW.ends_at
        OR OLD.resource_id <> NEW.resource_id OR OLD.id <> NEW.id)
    EXECUTE FUNCTION api_booking_moves_allocations();

-- No unit is invented: every resource has the first one, so that a plain booking asks nothing.
CREATE FUNCTION api_allocation_has_unit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.unit > (SELECT units FROM api_resource WHERE id = NEW.resource_id) THEN
        RAISE EXCEPTION 'resource % has no unit %', NEW.resource_id, NEW.unit
            USING ERRCODE = '23P01';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER allocation_has_unit BEFORE INSERT ON api_allocation FOR EACH ROW
    WHEN (NEW.unit > 1 AND NEW.blocking) EXECUTE FUNCTION api_allocation_has_unit();

-- Gives to blocks what is free now of the time that they wait for. A rival who is writing a booking
-- there meanwhile is waited for, and what is left is looked at again.
CREATE FUNCTION api_cover_blocks(place bigint, freed tstzrange) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    waiting record;
    missing tstzmultirange;
    free tstzmultirange;
    covered tstzmultirange;
BEGIN
    FOR waiting IN SELECT id, block_id, unit, span FROM api_allocation
        WHERE resource_id = place AND kind = 'block' AND NOT blocking AND span && freed
        ORDER BY id FOR UPDATE
    LOOP
        missing := tstzmultirange(waiting.span);
        LOOP
            free := missing - coalesce((SELECT range_agg(span) FROM api_allocation
                WHERE resource_id = place AND unit = waiting.unit AND blocking
                AND span && waiting.span), '{}');
            EXIT WHEN isempty(free);
            WITH taken AS (
                INSERT INTO api_allocation (block_id, resource_id, unit, span, blocking, kind)
                SELECT waiting.block_id, place, waiting.unit, piece, true, 'block'
                FROM unnest(free) piece ON CONFLICT DO NOTHING RETURNING span)
            SELECT range_agg(span) INTO covered FROM taken;
            missing := missing - coalesce(covered, '{}');
        END LOOP;
        CONTINUE WHEN missing = tstzmultirange(waiting.span);
        DELETE FROM api_allocation WHERE id = waiting.id;
        INSERT INTO api_allocation (block_id, resource_id, unit, span, blocking, kind)
            SELECT waiting.block_id, place, waiting.unit, piece, false, 'block'
            FROM unnest(missing) piece;
    END LOOP;
END $$;

CREATE FUNCTION api_allocation_freed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('holdfast.renumbering', true) IS DISTINCT FROM 'on' THEN
        PERFORM api_cover_blocks(OLD.resource_id, OLD.span);
        PERFORM api_note_freed_time(OLD.resource_id, OLD.span, OLD.booking_id);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER allocation_freed AFTER DELETE OR UPDATE OF blocking, span, resource_id
    ON api_allocation FOR EACH ROW WHEN (OLD.blocking) EXECUTE FUNCTION api_allocation_freed();

-- last: its foreign keys are checked at the end, and no table may change before that
INSERT INTO api_allocation (booking_id, resource_id, unit, span, blocking, kind)
    SELECT id, resource_id, 1, tstzrange(starts_at, ends_at), api_status_blocks(status), 'booking'
    FROM api_booking;
