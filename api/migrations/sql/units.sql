-- How a booking takes units of what has several. A statement in a function sees what was committed
-- before it began. So each function has the lock first, which is shared with all but who numbers
-- anew (`services.bookings.places`), and looks then.

-- Units of a resource that nothing blocks for that time: as many as are wanted, chosen at random;
-- fewer if there are no more.
CREATE FUNCTION api_pick_units(place bigint, wanted bigint, starts timestamptz, ends timestamptz)
    RETURNS bigint[] LANGUAGE sql AS $$
    SELECT coalesce(array_agg(n ORDER BY n), '{}') FROM (
        SELECT n FROM (
            SELECT generate_series(1::bigint, r.units) AS n FROM api_resource r WHERE r.id = place
            EXCEPT SELECT a.unit FROM api_allocation a WHERE a.resource_id = place
                AND a.span && tstzrange(starts, ends) AND a.blocking) free
        ORDER BY random() LIMIT wanted) picked
$$;

-- Takes one unit of a resource for a booking: the one that its id falls on, so that a crowd does not
-- try alike, or else any. `booking_id` is null if none was taken. `is_full`: when the time begins,
-- all are taken, by whatever should have ended too.
CREATE FUNCTION api_take_unit(
    booking bigint, place bigint, starts timestamptz, ends timestamptz, kind text,
    OUT booking_id bigint, OUT units bigint[], OUT is_full boolean
) LANGUAGE plpgsql AS $$
DECLARE
    many bigint;
    picked bigint;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(1970170228, (place % 2147483648)::int);
    SELECT r.units INTO many FROM api_resource r WHERE r.id = place;
    picked := booking % many + 1;
    FOR attempt IN 0 .. 3 LOOP
        INSERT INTO api_allocation (booking_id, resource_id, unit, span, blocking, kind)
            VALUES (booking, place, picked, tstzrange(starts, ends), true, kind)
            ON CONFLICT DO NOTHING;
        IF FOUND THEN
            booking_id := booking;
            units := ARRAY[picked];
            RETURN;
        END IF;
        -- 0.2 ms of a thousand; to look for a free one takes three times as long
        is_full := many <= (SELECT count(*) FROM api_allocation a
            WHERE a.resource_id = place AND a.span @> starts AND a.blocking);
        EXIT WHEN is_full;
        picked := (api_pick_units(place, 1, starts, ends))[1];
        EXIT WHEN picked IS NULL;
    END LOOP;
END $$;

-- Takes so many units of each of these resources, or none of any, and guesses first too. The
-- resources come in the order of their ids, and units are taken in order, so that no two who take
-- several wait for each other.
CREATE FUNCTION api_take_units(
    booking bigint, places bigint[], quantities bigint[], starts timestamptz[],
    ends timestamptz[], kinds text[],
    OUT booking_id bigint, OUT units bigint[], OUT is_full boolean
) LANGUAGE plpgsql AS $$
DECLARE
    picked bigint[];
    inserted bigint;
    wanted bigint;
BEGIN
    FOR n IN 1 .. cardinality(places) LOOP
        PERFORM pg_advisory_xact_lock_shared(1970170228, (places[n] % 2147483648)::int);
    END LOOP;
    FOR attempt IN 0 .. 3 LOOP
        units := '{}';
        BEGIN
            FOR n IN 1 .. cardinality(places) LOOP
                wanted := quantities[n];
                picked := CASE attempt
                    WHEN 0 THEN ARRAY(SELECT (booking + k) % r.units + 1 FROM api_resource r,
                        generate_series(1, wanted) k WHERE r.id = places[n] ORDER BY 1)
                    ELSE api_pick_units(places[n], wanted, starts[n], ends[n]) END;
                INSERT INTO api_allocation (booking_id, resource_id, unit, span, blocking, kind)
                    SELECT booking, places[n], unit, tstzrange(starts[n], ends[n]), true, kinds[n]
                    FROM unnest(picked) unit ON CONFLICT DO NOTHING;
                GET DIAGNOSTICS inserted = ROW_COUNT;
                PERFORM api_all_or_nothing(inserted, wanted);
                units := units || picked;
            END LOOP;
            booking_id := booking;
            RETURN;
        EXCEPTION WHEN exclusion_violation THEN
            -- what it had taken is given back
            EXIT WHEN cardinality(picked) < wanted;
        END;
    END LOOP;
END $$;
