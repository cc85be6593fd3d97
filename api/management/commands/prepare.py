"""What a deployment does once before its processes start: tables, first admin, demo data if asked.

The rule: it may run again at any time and then changes nothing.
"""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection

from api.services.operations import history_months
from backend import checks
from backend.environment import read_environment


class Command(BaseCommand):
    help = "Migrates; makes the admin of DJANGO_SUPERUSER_EMAIL, if given; demo data with DEMO=1."

    def handle(self, *args: Any, **options: Any) -> None:
        checks.refuse_unsafe_settings()
        with connection.cursor() as cursor:
            # an index of a large table takes its time; a lock that others wait for does not
            cursor.execute("SET statement_timeout = 0")
        call_command("migrate", interactive=False, verbosity=options["verbosity"])
        history_months.keep()
        env = read_environment()
        if env.DJANGO_SUPERUSER_EMAIL:
            call_command("ensure_superuser", stdout=self.stdout)
        if env.DEMO:
            call_command("seed_demo", stdout=self.stdout)
