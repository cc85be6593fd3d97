"""The job by hand, and what it would do."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from api.services.bookings import retention


class Command(BaseCommand):
    help = "Forgets who booked, once a venue's retention has passed. Try --dry-run first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what is due")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["dry_run"]:
            for due in retention.list_due():
                self.stdout.write(
                    f"{due.venue}: {due.bookings} bookings, the oldest of {due.oldest:%Y-%m-%d}"
                )
            self.stdout.write("Nothing was changed.")
            return
        self.stdout.write(
            f"The people of {retention.forget_old_bookings()} bookings are forgotten."
        )
