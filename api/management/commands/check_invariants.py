"""Checks on a running system that nothing has gone wrong unseen; changes nothing."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from api.management.progress import show_bar
from api.services.operations import invariants


class Command(BaseCommand):
    help = "Checks what must always be true: places, blocks, whole histories, nothing far past due."

    def handle(self, *args: Any, **options: Any) -> None:
        with show_bar(self.stdout, "Checking", len(invariants.CHECKS)):
            found = invariants.list_problems()
        for sentence in found:
            self.stdout.write(sentence)
        if found:
            raise CommandError(f"{len(found)} things are not as they must be.")
        self.stdout.write("All is as it must be.")
