"""Demo data, the same every time."""

import os
from typing import Any

from django.core.management.base import BaseCommand

from api.management.progress import show_bar
from api.services.operations import demo


class Command(BaseCommand):
    help = "Five venues with their presets, people, resources and some weeks of bookings."

    def handle(self, *args: Any, **options: Any) -> None:
        password = os.environ.get("DEMO_PASSWORD") or os.environ.get(
            "DJANGO_SUPERUSER_PASSWORD", "holdfast-demo"
        )
        with show_bar(self.stdout, "Booking"):
            made = demo.seed_demo(password)
        if not made["bookings"]:
            self.stdout.write("The demo data is there already.")
            return
        self.stdout.write("Made " + ", ".join(f"{n} {what}" for what, n in made.items()) + ".")
