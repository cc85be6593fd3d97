-- A change to a booking that began half a day ago or earlier marks its times as outdated, old and
-- new, so that sums kept of those days are not trusted. One insert for a statement of any size.

CREATE FUNCTION api_booking_outdates_sums() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO api_outdatedperiod (resource_id, starts_at, ends_at)
            SELECT resource_id, starts_at, ends_at FROM new_rows
            WHERE starts_at < statement_timestamp() - interval '12 hours';
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO api_outdatedperiod (resource_id, starts_at, ends_at)
            SELECT resource_id, starts_at, ends_at FROM old_rows
            WHERE starts_at < statement_timestamp() - interval '12 hours';
    ELSE
        INSERT INTO api_outdatedperiod (resource_id, starts_at, ends_at)
            SELECT resource_id, starts_at, ends_at FROM old_rows
            WHERE starts_at < statement_timestamp() - interval '12 hours'
            UNION SELECT resource_id, starts_at, ends_at FROM new_rows
            WHERE starts_at < statement_timestamp() - interval '12 hours';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER booking_made_outdates_sums AFTER INSERT ON api_booking
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION api_booking_outdates_sums();
CREATE TRIGGER booking_changed_outdates_sums AFTER UPDATE ON api_booking
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION api_booking_outdates_sums();
CREATE TRIGGER booking_deleted_outdates_sums AFTER DELETE ON api_booking
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION api_booking_outdates_sums();
