-- A change to a booking that began half a day ago or earlier marks its times as outdated, old and
-- new, at each of its resources, so that sums kept of those days are not trusted. One insert for a
-- statement of any size; a resource that such a booking gets or loses marks itself.

CREATE OR REPLACE FUNCTION api_booking_outdates_sums() RETURNS trigger LANGUAGE plpgsql AS $$
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
            WITH changed AS (
                SELECT id, several, resource_id, starts_at, ends_at FROM old_rows
                WHERE starts_at < statement_timestamp() - interval '12 hours'
                UNION SELECT id, several, resource_id, starts_at, ends_at FROM new_rows
                WHERE starts_at < statement_timestamp() - interval '12 hours')
            SELECT resource_id, starts_at, ends_at FROM changed
            UNION SELECT a.resource_id, c.starts_at, c.ends_at FROM changed c
            JOIN api_allocation a ON a.booking_id = c.id AND a.kind = 'part' WHERE c.several;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION api_part_outdates_sums() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    part api_allocation;
BEGIN
    part := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    INSERT INTO api_outdatedperiod (resource_id, starts_at, ends_at)
        VALUES (part.resource_id, lower(part.span), upper(part.span));
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER booking_made_outdates_sums AFTER INSERT ON api_booking
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION api_booking_outdates_sums();
CREATE OR REPLACE TRIGGER booking_changed_outdates_sums AFTER UPDATE ON api_booking
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION api_booking_outdates_sums();
CREATE OR REPLACE TRIGGER booking_deleted_outdates_sums AFTER DELETE ON api_booking
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION api_booking_outdates_sums();
CREATE OR REPLACE TRIGGER part_made_outdates_sums AFTER INSERT ON api_allocation FOR EACH ROW
    WHEN (NEW.kind = 'part' AND lower(NEW.span) < statement_timestamp() - interval '12 hours')
    EXECUTE FUNCTION api_part_outdates_sums();
CREATE OR REPLACE TRIGGER part_deleted_outdates_sums AFTER DELETE ON api_allocation FOR EACH ROW
    WHEN (OLD.kind = 'part' AND lower(OLD.span) < statement_timestamp() - interval '12 hours')
    EXECUTE FUNCTION api_part_outdates_sums();
