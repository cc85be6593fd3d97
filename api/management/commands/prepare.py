"""What a deployment does once before its processes start: tables, first admin, demo data if asked.

The rule: it may run again at any time and then changes nothing.
"""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from backend import checks
from backend.environment import read_environment

FIRST_MIGRATION = ("api", "0001_release_two")


class Command(BaseCommand):
    help = "Migrates; makes the admin of DJANGO_SUPERUSER_EMAIL, if given; demo data with DEMO=1."

    def handle(self, *args: Any, **options: Any) -> None:
        checks.refuse_unsafe_settings()
        refuse_older_database()
        with connection.cursor() as cursor:
            # an index of a large table takes its time; a lock that others wait for does not
            cursor.execute("SET statement_timeout = 0")
        call_command("migrate", interactive=False, verbosity=options["verbosity"])
        env = read_environment()
        if env.DJANGO_SUPERUSER_EMAIL:
            call_command("ensure_superuser", stdout=self.stdout)
        if env.DEMO:
            call_command("seed_demo", stdout=self.stdout)


def refuse_older_database() -> None:
    """Raise `CommandError` if the tables are those of a release before the first migration of ours
    that there is: none of ours leads on from them."""
    applied = MigrationRecorder(connection).applied_migrations()
    older = sorted(name for app, name in applied if app == "api")
    if older and FIRST_MIGRATION not in applied:
        way_out = (
            f"move {settings.DATA_DIR} away"
            if settings.EMBEDDED
            else "name an empty one in DATABASE_URL"
        )
        raise CommandError(
            f"This database is of an older release (api.{older[-1]}) and cannot be migrated:"
            f" {way_out}, and start again."
        )
