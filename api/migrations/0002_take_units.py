"""Functions that take units for a booking within the statement that inserts it."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("api", "0001_release_two")]

    operations = [
        migrations.RunSQL(
            (SQL / "units.sql").read_text(),
            "DROP FUNCTION api_take_unit; DROP FUNCTION api_take_units; DROP FUNCTION api_pick_units",
        ),
    ]
