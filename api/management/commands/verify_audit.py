"""Checks that the audit log is as it was written, and seals what is new."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from api.services.audit import sealing


class Command(BaseCommand):
    help = "Checks that no entry of the audit log was changed or removed, and seals the new ones."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--expect",
            metavar="SEAL",
            help="A seal that this command, or the log of the workers, showed earlier.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            expected = sealing.Link.parse(options["expect"]) if options["expect"] else None
        except ValueError:
            raise CommandError("A seal reads as POSITION:HASH.") from None
        report = sealing.verify(expected)
        for problem in report.problems:
            self.stdout.write(problem)
        if report.problems:
            raise CommandError("The audit log is not as it was written.")
        if report.unsealed:
            self.stdout.write(
                f"{report.unsealed} entries since {report.oldest_unsealed_at:%FT%TZ} were not yet"
                " sealed; whether others since then were removed, nobody can tell."
            )
            sealing.seal_everything()
            report = sealing.verify(expected)
        self.stdout.write(
            f"{report.sealed} entries are as they were written"
            + (f", {report.erased} without the content that was erased" if report.erased else "")
            + f".\nThe last seal, to keep elsewhere: {report.head}"
        )
