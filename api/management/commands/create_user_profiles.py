"""Profiles for accounts that came in without one, as by a restore or a fixture."""

from typing import Any

from django.core.management.base import BaseCommand

from api.services.accounts import pictures


class Command(BaseCommand):
    help = "Makes the profile of every account that lacks one, and changes nothing else."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Made {pictures.create_missing_profiles()} profiles.")
