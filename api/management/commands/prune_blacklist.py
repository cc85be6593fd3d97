"""The daily job by hand."""

from typing import Any

from django.core.management.base import BaseCommand

from api.services.accounts import tokens


class Command(BaseCommand):
    help = "Forgets refresh tokens that have expired by themselves, and nothing else."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Pruned {tokens.prune_blacklist()} expired rows.")
