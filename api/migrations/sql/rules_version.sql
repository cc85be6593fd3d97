-- A version of everything the policy looks at, never given twice: what a cache is checked against.

CREATE SEQUENCE api_rules_version;

CREATE FUNCTION api_venue_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.rules_version := nextval('api_rules_version');
    RETURN NEW;
END $$;

CREATE FUNCTION api_venue_part_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        UPDATE api_venue SET rules_version = 0 WHERE id = OLD.venue_id;
    END IF;
    IF TG_OP = 'INSERT' OR (TG_OP = 'UPDATE' AND NEW.venue_id <> OLD.venue_id) THEN
        UPDATE api_venue SET rules_version = 0 WHERE id = NEW.venue_id;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER venue_changed BEFORE INSERT OR UPDATE ON api_venue
    FOR EACH ROW EXECUTE FUNCTION api_venue_changed();
CREATE TRIGGER resource_changed AFTER INSERT OR UPDATE OR DELETE ON api_resource
    FOR EACH ROW EXECUTE FUNCTION api_venue_part_changed();
CREATE TRIGGER primetimewindow_changed AFTER INSERT OR UPDATE OR DELETE ON api_primetimewindow
    FOR EACH ROW EXECUTE FUNCTION api_venue_part_changed();
CREATE TRIGGER hoursexception_changed AFTER INSERT OR UPDATE OR DELETE ON api_hoursexception
    FOR EACH ROW EXECUTE FUNCTION api_venue_part_changed();
CREATE TRIGGER hours_changed AFTER INSERT OR UPDATE OR DELETE ON api_hours
    FOR EACH ROW EXECUTE FUNCTION api_venue_part_changed();
