"""What is stored about a guest, who has no account to ask with."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.core.serializers.json import DjangoJSONEncoder

from api.queries.accounts.personal_data import export_guest_data
from api.services.accounts.erasure import erase_guest


class Command(BaseCommand):
    help = "Prints all that is stored about a guest by their e-mail address, or erases it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--erase", action="store_true", help="cancel and erase instead")

    def handle(self, *args: Any, email: str, erase: bool, **options: Any) -> None:
        if erase:
            self.stdout.write(f"Erased a guest from {erase_guest(email)} bookings.")
            return
        found = export_guest_data(email)
        self.stdout.write(json.dumps(found, cls=DjangoJSONEncoder, indent=2))
