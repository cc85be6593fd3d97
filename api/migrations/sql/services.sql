-- What is new is audited too. The venue of a row, by the column that leads to it.
CREATE OR REPLACE FUNCTION api_audit_venue(way text, content jsonb)
    RETURNS bigint LANGUAGE sql STABLE AS $$
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

SELECT api_audit_table('api_pool', 'pool', 'venue_id');
SELECT api_audit_table('api_pool_resources', 'pool', 'resource_id', 'pool_id');
SELECT api_audit_table('api_service', 'service', 'venue_id');
SELECT api_audit_table('api_serviceduration', 'service', 'service_id', 'service_id');
SELECT api_audit_table('api_need', 'service', 'service_id', 'service_id');
