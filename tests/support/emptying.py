"""A pytest plugin: empties the tables after a test that commits, in 8 ms where Django's `flush`
takes 250, since it truncates every table and then writes all permissions anew."""

from django.db import connections
from django.test import TransactionTestCase

# Most tables hold nothing or a few rows, of which DELETE is far cheaper than TRUNCATE. Emptied in
# this mode no trigger writes to the audit log, and the order of the tables does not matter.
EMPTY = """
DO $$
DECLARE
    found record;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR found IN
        SELECT oid::regclass AS name, pg_relation_size(oid) AS size FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0
        AND relname NOT IN ('django_migrations', 'django_content_type', 'auth_permission')
    LOOP
        IF found.size > 1000000 THEN
            EXECUTE format('TRUNCATE %s CASCADE', found.name);
        ELSE
            EXECUTE format('DELETE FROM %s', found.name);
        END IF;
    END LOOP;
END $$
"""


def empty_tables(test: TransactionTestCase) -> None:
    for alias in test._databases_names(include_mirrors=False):
        with connections[alias].cursor() as cursor:
            cursor.execute(EMPTY)


TransactionTestCase._fixture_teardown = empty_tables
