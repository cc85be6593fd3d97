-- Hours and exceptions are rules too: a change of theirs gives the venue a new version.

ALTER TRIGGER closure_changed ON api_hoursexception RENAME TO hoursexception_changed;
CREATE TRIGGER hours_changed AFTER INSERT OR UPDATE OR DELETE ON api_hours
    FOR EACH ROW EXECUTE FUNCTION api_venue_part_changed();
