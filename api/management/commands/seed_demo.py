"""Demo data, the same every time."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from api.management.progress import show_bar
from api.services.operations import demo


class Command(BaseCommand):
    help = "Five venues with their presets, people, resources and some weeks of bookings."

    def handle(self, *args: Any, **options: Any) -> None:
        with show_bar(self.stdout, "Booking"):
            made = demo.seed_demo(settings.DEMO_PASSWORD)
        *there, bookings = [f"{n} {what}" for what, n in made.items()]
        self.stdout.write(f"The demo has {', '.join(there)}; {bookings} are new.")
