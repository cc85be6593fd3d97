"""Between restoring a backup and starting anything: what time has made due is done, in silence."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from api.services.operations import invariants, restored_backup
from backend.celery import app
from backend.schedule import SCHEDULE


class Command(BaseCommand):
    help = (
        "Makes a restored database safe to start: does what fell due meanwhile, withholds emails "
        "that may have been sent before, skips the numbers given out since the backup."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--send", action="store_true", help="withhold nothing: some people hear twice"
        )
        parser.add_argument(
            "--gap", type=int, default=1_000_000, help="numbers to skip (default: a million)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["gap"] < 0:
            raise CommandError("--gap is a number of ids, not less than 0.")
        self._catch_up()
        found = restored_backup.prepare_restored(send=options["send"], gap=options["gap"])
        for name, many in sorted(found.withheld.items()):
            self.stdout.write(f"withheld: {many} × {name}")
        self.stdout.write(
            f"{sum(found.withheld.values())} emails withheld, {found.calls} calls to Stripe"
            f" taken up again, {found.moved} sequences moved on."
        )
        if problems := invariants.list_problems(None):
            raise CommandError("\n".join(problems))
        self.stdout.write("All is as it must be. Start the processes, then `reconcile_payments`.")

    def _catch_up(self) -> None:
        app.loader.import_default_modules()
        for name, job in SCHEDULE.items():
            if job.queue == "clock":
                self.stdout.write(f"{name}: {app.tasks[job.task]()} due meanwhile")
