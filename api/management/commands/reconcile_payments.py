"""Compares every payment of the last 90 days with Stripe, now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from api.errors import Refusal
from api.management.progress import show_bar
from api.services.payments import reconciliation


class Command(BaseCommand):
    help = "Asks Stripe about every payment of the last 90 days; fails if anything differs."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with show_bar(self.stdout, "Asking Stripe", reconciliation.count_payments()):
                found = reconciliation.reconcile_all()
        except Refusal as away:
            raise CommandError(away.detail) from away
        for row, differences in found.items():
            for difference in differences:
                self.stdout.write(f"{row}: {difference}")
        if found:
            raise CommandError(f"{len(found)} of them differ.")
        self.stdout.write("Stripe and Holdfast agree.")
