"""Writes docs/reference/ from the code; another page is another row of `PAGES`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from itertools import chain
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from pydantic_core import PydanticUndefined

from api import emails
from api.emails import Email
from api.errors import Refusal
from api.management import commands
from api.queries.venues import broken_rules
from api.rest.exceptions import get_status
from backend.environment import GROUPS, list_names
from backend.schedule import SCHEDULE

Rows = Iterable[Iterable[object]]


def format_table(titles: str, rows: Rows) -> Iterator[str]:
    """Markdown of rows under titles that are separated by `|`."""
    columns = titles.split("|")
    yield f"| {' | '.join(columns)} |"
    yield "|" + "---|" * len(columns)
    for row in rows:
        yield f"| {' | '.join(str(cell).replace('|', '&#124;') for cell in row)} |"


def iter_settings() -> Iterator[str]:
    """Every variable by theme, as `backend.environment` declares it."""
    yield "Every setting comes from the environment, or from `.env`. One that is set and empty"
    yield "counts as unset. What is unsafe, wrong or missing stops the start and says so. A secret"
    yield "may be a file: `SECRET_KEY_FILE=/run/secrets/key`."
    for group in GROUPS:
        yield from ("", f"## {group.__doc__}", "")
        rows = [
            (
                " or ".join(f"`{each}`" for each in list_names(name, field)),
                _format_default(field.default),
                field.description,
            )
            for name, field in group.model_fields.items()
        ]
        yield from format_table("variable|default|what", rows)


def _format_default(value: object) -> str:
    """As one would write it into the environment."""
    if isinstance(value, list):
        value = ",".join(value)
    unset = value in (None, "", {}, PydanticUndefined)
    return "" if unset else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def iter_commands() -> Iterator[str]:
    yield "Each is `python manage.py <command>`, with the environment of the processes."
    yield ""
    yield from format_table("command|does", _list_commands())


def _list_commands() -> Iterator[tuple[str, str]]:
    everywhere = {each.dest for each in BaseCommand().create_parser("", "")._actions}
    for found in iter_modules(commands.__path__):
        command = import_module(f"{commands.__name__}.{found.name}").Command()
        parser = command.create_parser("manage.py", found.name)
        own = [
            f"[{each.option_strings[-1]}{' ' + each.metavar if each.metavar else ''}]"
            if each.option_strings
            else each.dest.upper()
            for each in parser._actions
            if each.dest not in everywhere
        ]
        yield f"`{' '.join([found.name, *own])}`", command.help


def iter_jobs() -> Iterator[str]:
    yield "Beat asks for each at its interval; any of them may run twice, late, or at once with"
    yield "itself. Operators pause and pace them in the admin or at `automation/`."
    yield ""
    rows = [
        (f"`{name}`", job.every, f"`{job.queue}`", job.why, f"`{job.task}`")
        for name, job in SCHEDULE.items()
    ]
    yield from format_table("job|every|queue|because|task", rows)


def iter_errors() -> Iterator[str]:
    yield "What is refused, as `application/problem+json` of `/api/v1/`. The `code` never changes;"
    yield "each contract has words of its own. 400: the body or a venue's rule refuses. 409:"
    yield "other rows do."
    yield ""
    import_module(settings.ROOT_URLCONF)  # imports every API, with the refusals of its own
    kinds = sorted(_list_kinds(Refusal), key=lambda each: (each.__module__, each.__name__))
    known = {each.code: each for each in kinds if each.status >= 400}
    rows = [
        (get_status(each()), f"`{code}`", each.detail, _get_first_line(each))
        for code, each in known.items()
    ]
    yield from format_table("status|code|detail, unless there is more to say|when", sorted(rows))


def _list_kinds(kind: type[Refusal]) -> Iterator[type[Refusal]]:
    """Those of the core and of our own API; whatever a contract adds is its own."""
    for each in kind.__subclasses__():
        if each.__module__.startswith("api.") and "contracts" not in each.__module__:
            yield each
        yield from _list_kinds(each)


def _get_first_line(thing: type) -> str:
    return " ".join((thing.__dict__.get("__doc__") or "").split())


def iter_emails() -> Iterator[str]:
    yield "What is sent when something happens. “optional”: only where the venue sends"
    yield "confirmations. “only while”: withheld if the booking is no longer in that status."
    yield "The templates are Jinja's, in `email_templates/` or its folder of the venue's words."
    wordings = {
        "Everywhere": emails.DEFAULT,
        "About trades": emails.TRADE_EMAILS,
        "About series": emails.SERIES_EMAILS,
    } | {f"Instead, in the words of {name}": rows for name, rows in emails.WORDINGS.items() if rows}
    for title, causes in wordings.items():
        yield from ("", f"## {title}", "")
        yield from format_table("when|to|subject|template|", _list_emails(causes))
    yield from ("", "## Of no booking", "")
    rows = ((each.to, each.subject, f"`{each.name}`") for each in emails.ACCOUNT_EMAILS.values())
    yield from format_table("to|subject|template", rows)


def _list_emails(causes: Mapping[str, tuple[Email, ...]]) -> Iterator[tuple[str, ...]]:
    for verb, found in causes.items():
        if not found:
            yield f"`{verb}`", "nobody", "", "", ""
        for each in found:
            while_ = f"only while {', '.join(map(str, each.only_while))}" if each.only_while else ""
            notes = ["optional" if each.optional else "", while_]
            notes.append("before the start" if each.before_start else "")
            remarks = "; ".join(filter(None, notes))
            yield f"`{verb}`", each.to, each.subject, f"`{each.name}`", remarks


def rules_page() -> Iterator[str]:
    yield "When a rule changes, the bookings ahead that do not fit it any more stay as they are."
    yield "The answer of the change lists them in `affected` (`?dry_run=1` lists them and changes"
    yield "nothing), they stand in `reviews/` and on the first page of the admin, and their owners"
    yield "get one e-mail. Staff keep, move or cancel each with a reason. What fits again, or is"
    yield "over, leaves by itself; after a changed time zone only a decision, a new time or the end"
    yield "takes it out. Weeks of hours and exceptions are rules too (`outside_hours`, `closed`);"
    yield "primetime windows are none."
    for title, rules, others in (
        ("A venue", broken_rules.VENUE_RULES, broken_rules.VENUE_OTHERS),
        ("A resource", broken_rules.RESOURCE_RULES, broken_rules.RESOURCE_OTHERS),
    ):
        yield from ("", f"## {title}", "")
        codes = ((f"`{name}`", f"`{code}`", "") for name, code in rules.items())
        reasons = ((f"`{name}`", "", reason) for name, reason in others.items())
        yield from format_table("field|rule|no rule: it", chain(codes, reasons))


PAGES: Mapping[str, Callable[[], Iterator[str]]] = {
    "settings": iter_settings,
    "commands": iter_commands,
    "jobs": iter_jobs,
    "errors": iter_errors,
    "emails": iter_emails,
    "rules": rules_page,
}


def build_page(name: str) -> str:
    """The whole of docs/reference/<name>.md."""
    lines = [f"# {name.capitalize()}", "", *PAGES[name]()]
    lines += ["", "Printed from the code by `manage.py reference`; a test keeps the two equal."]
    return "\n".join(lines) + "\n"


class Command(BaseCommand):
    help = "Writes docs/reference/: settings, commands, jobs, errors, emails and rules of the code."

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(settings.BASE_DIR) / "docs" / "reference"
        for name in PAGES:
            (folder / f"{name}.md").write_text(build_page(name))
            self.stdout.write(f"docs/reference/{name}.md")
