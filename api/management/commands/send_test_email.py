"""Tries the e-mail settings, at once and without the outbox."""

import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from api.services.messages import mailer


class Command(BaseCommand):
    help = "Sends a small HTML e-mail with the settings as they are, and says what came of it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address")

    def handle(self, *args: Any, **options: Any) -> None:
        error = mailer.send_now("test", options["address"], f"email:test:{uuid.uuid4()}")
        if error is not None:
            raise CommandError(f"Not sent: {type(error).__name__}: {error}")
        self.stdout.write(f"Sent to {options['address']}.")
