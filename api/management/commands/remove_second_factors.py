"""For whoever has lost the telephone and the recovery codes."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from api.models import User
from api.services.accounts import second_factors


class Command(BaseCommand):
    help = "Removes every second factor of an account, and tells its person. Sessions go on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("login", help="the e-mail address or username")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.find_by_login(options["login"])
        if user is None:
            raise CommandError("There is no such account.")
        self.stdout.write(f"Removed {second_factors.remove(user)}, recovery codes included.")
