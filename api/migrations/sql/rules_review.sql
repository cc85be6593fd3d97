-- Every venue has its row from its first moment on, whoever makes it: without it nobody would know
-- the time zone that a later one is compared with.

CREATE FUNCTION api_venue_gets_review() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO api_rulesreview (venue_id, version, time_zone)
        VALUES (NEW.id, NEW.rules_version, NEW.time_zone);
    RETURN NULL;
END $$;

CREATE TRIGGER venue_gets_review AFTER INSERT ON api_venue
    FOR EACH ROW EXECUTE FUNCTION api_venue_gets_review();

INSERT INTO api_rulesreview (venue_id, version, time_zone)
    SELECT id, 0, time_zone FROM api_venue;

UPDATE api_venue SET capacity_enforced = false WHERE slug = 'circletime';
