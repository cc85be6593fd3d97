-- The audit log. A change made on behalf of staff, an admin, an operator or a key is made in a
-- transaction whose setting `holdfast.actor` says who that is: {"kind", "user_id", "key_id",
-- "venues", "venue", "request_id"}. Where it is not set the triggers are not even queued.

-- who acts in which role at a venue; null where they act as a customer
CREATE FUNCTION api_audit_kind(actor jsonb, venue bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN venue IS NULL OR jsonb_typeof(actor->'venues') = 'null' THEN actor->>'kind'
        ELSE actor->'venues'->>venue::text END
$$;

-- the venue of a row, by the column that leads to it
CREATE FUNCTION api_audit_venue(way text, content jsonb) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT CASE way
        WHEN '' THEN NULL
        WHEN 'id' THEN (content->>'id')::bigint
        WHEN 'venue_id' THEN (content->>'venue_id')::bigint
        WHEN 'venue_slug' THEN
            (SELECT id FROM api_venue WHERE slug = content->>'venue_slug')
        WHEN 'resource_id' THEN
            (SELECT venue_id FROM api_resource WHERE id = (content->>'resource_id')::bigint)
        WHEN 'pool_id' THEN
            (SELECT venue_id FROM api_pool WHERE id = (content->>'pool_id')::bigint)
        WHEN 'service_id' THEN
            (SELECT venue_id FROM api_service WHERE id = (content->>'service_id')::bigint)
        WHEN 'payment_id' THEN
            (SELECT b.venue_id FROM api_booking b JOIN api_payment p ON p.booking_id = b.id
             WHERE p.id = (content->>'payment_id')::bigint)
        ELSE (SELECT venue_id FROM api_booking WHERE id = (content->>way)::bigint) END
$$;

-- the word of the lifecycle for a change of status; for what is only marked as gone, that
CREATE FUNCTION api_audit_action(object text, was jsonb, becomes jsonb)
    RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    verb text;
BEGIN
    IF was->>'status' <> becomes->>'status' THEN
        IF object = 'booking' THEN  -- the same statement wrote its line of history
            SELECT e.verb INTO verb FROM api_bookingevent e
                WHERE e.booking_id = (becomes->>'id')::bigint ORDER BY e.id DESC LIMIT 1;
        ELSIF object = 'trade' THEN
            verb := CASE becomes->>'status' WHEN 'accepted' THEN 'accept'
                WHEN 'rejected' THEN 'reject' WHEN 'withdrawn' THEN 'withdraw'
                WHEN 'lapsed' THEN 'lapse' END;
        END IF;
    ELSIF was->'retired_at' = 'null' AND becomes->'retired_at' <> 'null' THEN
        verb := 'retire';
    ELSIF was->'revoked_at' = 'null' AND becomes->'revoked_at' <> 'null' THEN
        verb := 'revoke';
    ELSIF was->'erased_at' = 'null' AND becomes->'erased_at' <> 'null' THEN
        verb := 'erase';
    END IF;
    RETURN coalesce(verb, 'update');
END $$;

-- arguments: what the object is called, the column that names it, the column that leads to the venue
CREATE FUNCTION api_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    actor jsonb := current_setting('holdfast.actor')::jsonb;
    -- what changes by itself, and what no log may hold
    unlogged text[] := '{updated_at,version,rules_version,last_seen_at,last_used_at,last_login,
        last_run_at,total_run_count,date_changed,email_key,username_key,held_from,content}';
    secret text[] := '{password,token_hash,code_hash,secret_hash,client_secret,checkout_url,guest_link,to,payload}';
    was jsonb;
    becomes jsonb;
    content jsonb;
    name text;
    venue bigint;
    venues bigint[];
    action text := CASE TG_OP WHEN 'INSERT' THEN 'create' WHEN 'DELETE' THEN 'delete' END;
BEGIN
    IF TG_OP <> 'INSERT' THEN was := to_jsonb(OLD) - unlogged; END IF;
    IF TG_OP <> 'DELETE' THEN becomes := to_jsonb(NEW) - unlogged; END IF;
    IF was = becomes THEN RETURN NULL; END IF;
    content := coalesce(becomes, was);
    IF TG_ARGV[2] = 'venue_ids' THEN
        venues := ARRAY(SELECT jsonb_array_elements_text(was->'venue_ids')
            UNION SELECT jsonb_array_elements_text(becomes->'venue_ids'));
    ELSE
        venues := ARRAY[
            coalesce(api_audit_venue(TG_ARGV[2], content), (actor->>'venue')::bigint)];
    END IF;
    IF TG_OP = 'UPDATE' THEN
        action := api_audit_action(TG_ARGV[0], was, becomes);
        SELECT jsonb_object_agg(key, value), jsonb_object_agg(key, becomes->key)
            INTO was, becomes FROM jsonb_each(was) WHERE value IS DISTINCT FROM becomes->key;
    ELSE
        was := jsonb_strip_nulls(was);
        becomes := jsonb_strip_nulls(becomes);
    END IF;
    FOREACH name IN ARRAY secret LOOP
        IF was ? name THEN was := was || jsonb_build_object(name, '…'); END IF;
        IF becomes ? name THEN becomes := becomes || jsonb_build_object(name, '…'); END IF;
    END LOOP;
    FOREACH venue IN ARRAY venues LOOP
        INSERT INTO api_auditentry
            (venue_id, kind, user_id, key_id, action, object, before, after, request_id,
            content_digest, digest)
            SELECT venue, role, (actor->>'user_id')::bigint, (actor->>'key_id')::bigint, action,
                TG_ARGV[0] || ':' || (content->>TG_ARGV[1]), was, becomes,
                coalesce(actor->>'request_id', ''), '', ''
            FROM api_audit_kind(actor, venue) role WHERE role IS NOT NULL;
    END LOOP;
    RETURN NULL;
END $$;

-- Makes a table audited. `way`: the column that leads to the venue, empty where none does.
CREATE FUNCTION api_audit_table(place regclass, object text, way text, named_by text DEFAULT 'id',
    events text DEFAULT 'INSERT OR UPDATE OR DELETE')
    RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'CREATE TRIGGER audited AFTER %s ON %s FOR EACH ROW'
        ' WHEN (current_setting(''holdfast.actor'', true) <> '''')'
        ' EXECUTE FUNCTION api_audit_change(%L, %L, %L)', events, place, object, named_by, way);
END $$;

SELECT api_audit_table('api_user', 'user', '');
SELECT api_audit_table('api_userprofile', 'profile', '', 'user_id');
SELECT api_audit_table('api_membership', 'member', 'venue_id');
SELECT api_audit_table('api_invitation', 'invitation', 'venue_id');
SELECT api_audit_table('api_venue', 'venue', 'id', 'slug');
SELECT api_audit_table('api_primetimewindow', 'primetime', 'venue_id');
SELECT api_audit_table('api_hours', 'hours', 'venue_id');
SELECT api_audit_table('api_hoursexception', 'exception', 'venue_id');
SELECT api_audit_table('api_consenttext', 'consent_text', 'venue_id');
SELECT api_audit_table('api_pool', 'pool', 'venue_id');
SELECT api_audit_table('api_pool_resources', 'pool', 'resource_id', 'pool_id');
SELECT api_audit_table('api_service', 'service', 'venue_id');
SELECT api_audit_table('api_serviceduration', 'service', 'service_id', 'service_id');
SELECT api_audit_table('api_need', 'service', 'service_id', 'service_id');
SELECT api_audit_table('api_resource', 'resource', 'venue_id');
SELECT api_audit_table('api_block', 'block', 'resource_id');
SELECT api_audit_table('api_series', 'series', 'venue_id');
SELECT api_audit_table('api_booking', 'booking', 'venue_id');
SELECT api_audit_table('api_booking_attendees', 'booking', 'booking_id', 'booking_id');
SELECT api_audit_table('api_review', 'review', 'booking_id');
SELECT api_audit_table('api_waitlistentry', 'waitlist', 'venue_id');
SELECT api_audit_table('api_trade', 'trade', 'requester_booking_id');
SELECT api_audit_table('api_payment', 'payment', 'booking_id');
SELECT api_audit_table('api_refund', 'refund', 'payment_id');
SELECT api_audit_table('api_panel', 'panel', 'resource_id');
SELECT api_audit_table('api_apikey', 'key', 'venue_ids');
SELECT api_audit_table('api_export', 'export', 'venue_slug');
SELECT api_audit_table('api_jobfailure', 'job_failure', '');
-- those of others are written by the way; operators have them sent again
SELECT api_audit_table('api_delivery', 'delivery', 'booking_id', 'id', 'UPDATE');
SELECT api_audit_table('django_celery_beat_periodictask', 'job', '', 'name');

-- digests: made by the database as it writes, so that nothing is written without

CREATE FUNCTION api_audit_content_digest(entry api_auditentry)
    RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(convert_to(
        jsonb_build_array(entry.salt, entry.before, entry.after)::text, 'UTF8'))
$$;

CREATE FUNCTION api_audit_digest(entry api_auditentry) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(convert_to(jsonb_build_array(
        entry.id, extract(epoch FROM entry.at), entry.venue_id, entry.kind, entry.user_id,
        entry.key_id, entry.action, entry.object, entry.request_id, encode(entry.content_digest, 'hex')
    )::text, 'UTF8'))
$$;

CREATE FUNCTION api_audit_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.at := statement_timestamp();
    NEW.salt := gen_random_uuid();
    NEW.content_digest := api_audit_content_digest(NEW);
    NEW.digest := api_audit_digest(NEW);
    RETURN NEW;
END $$;

CREATE TRIGGER audit_stamped BEFORE INSERT ON api_auditentry
    FOR EACH ROW EXECUTE FUNCTION api_audit_stamp();

-- append-only: of an entry only its content may go, when the person it names is erased

CREATE FUNCTION api_audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    erasable text[] := '{before,after,salt}';
BEGIN
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'api_auditentry' THEN
        IF to_jsonb(NEW) - erasable = to_jsonb(OLD) - erasable
            AND (NEW.before, NEW.after, NEW.salt) IS NULL THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER audit_kept BEFORE UPDATE OR DELETE ON api_auditentry
    FOR EACH ROW EXECUTE FUNCTION api_audit_is_kept();
CREATE TRIGGER audit_kept BEFORE UPDATE OR DELETE ON api_auditseal
    FOR EACH ROW EXECUTE FUNCTION api_audit_is_kept();
-- but for a database of tests, whose tables are emptied after each
CREATE TRIGGER audit_not_emptied BEFORE TRUNCATE ON api_auditentry FOR EACH STATEMENT
    WHEN (current_database() NOT LIKE 'test\_%') EXECUTE FUNCTION api_audit_is_kept();
CREATE TRIGGER audit_not_emptied BEFORE TRUNCATE ON api_auditseal FOR EACH STATEMENT
    WHEN (current_database() NOT LIKE 'test\_%') EXECUTE FUNCTION api_audit_is_kept();
