"""Files of figures: small ones at once, large ones by a worker.

An export is a row: asked for, taken up under a lease, finished once. A worker that dies leaves a
row that becomes due again; the file is in the row, so any process can hand it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db.models.functions import Now

from api.errors import NotFound, Refusal
from api.models import Export, User
from api.models.analytics import ExportState, Figure, Format

from . import exports_csv, reports
from .reports import Question

log = structlog.get_logger("holdfast.exports")

MEDIA: Final = {Format.CSV: "text/csv; charset=utf-8", Format.PDF: "application/pdf"}
LEASE: Final = timedelta(minutes=6)  # longer than a task may run
REUSE_FOR: Final = timedelta(minutes=10)  # asked for again within it, the same file will do
ATTEMPTS: Final = 3


class NotReady(Refusal):
    """The file is not made yet, or could not be made: `current` says which."""

    code, status, detail = "export_not_ready", 409, "The file is not ready yet."


@dataclass(frozen=True)
class File:
    name: str
    media_type: str
    content: bytes


def is_small(question: Question) -> bool:
    """Whether nobody need wait for a worker."""
    return bool(reports.count_room_days(question) <= settings.EXPORT_AT_ONCE)


def make_now(question: Question, kind: Format) -> File:
    report = reports.build_report(question, drawn=kind == Format.PDF)
    return _build_file(question, kind, _render(report, kind))


def request_export(question: Question, kind: Format, by: User) -> Export:
    """The export that a worker makes; one of the same question that is younger than FRESH serves
    again, so that asking anew is a way of waiting."""
    columns = {
        "figure": question.figure,
        "format": kind,
        "venue_slug": question.venue.slug if question.venue else "",
        "first_on": question.first_on,
        "last_on": question.last_on,
    }
    known = Export.objects.filter(**columns, created_at__gt=Now() - REUSE_FOR)
    found = known.exclude(state=ExportState.FAILED).defer("content").first()
    return found or Export.objects.create(**columns, asked_by=by)


def get(pk: UUID) -> Export:
    """The export without its content; refuses `NotFound`."""
    found = Export.objects.defer("content").filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such export, or it has been forgotten.")
    return found


def get_file(pk: UUID) -> File:
    """What was made; refuses `NotReady` and `NotFound`."""
    export = get(pk)
    if export.state != ExportState.READY or export.content is None:
        raise NotReady(current=export.state)
    return _build_file(_build_question(export), Format(export.format), bytes(export.content))


def _build_question(export: Export) -> Question:
    venue = reports.get_venue(export.venue_slug)
    return Question(Figure(export.figure), venue, export.first_on, export.last_on)


def _build_file(question: Question, kind: Format, content: bytes) -> File:
    return File(f"holdfast-{question.file_name}.{kind}", MEDIA[kind], content)


# the worker's side


def make_requested() -> int:
    """Files made in this run. Safe to run twice or at once with itself: each export is taken up by
    one, and only who holds it may finish it."""
    _give_up()
    made = 0
    while export := _take_up():
        made += _make(export)
    return made


def _take_up() -> Export | None:
    """The export that waits longest, its lease begun."""
    table = Export._meta.db_table
    rows = Export.objects.raw(
        f"UPDATE {table} SET state = 'working', progress = 0, attempts = attempts + 1,"  # noqa: S608
        " due_at = statement_timestamp() + %s WHERE id = (SELECT id"
        f" FROM {table} WHERE state IN ('waiting', 'working') AND due_at <= statement_timestamp()"
        " AND attempts < %s ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING *",
        [LEASE, ATTEMPTS],
    )
    return next(iter(rows), None)


def _make(export: Export) -> bool:
    mine = Export.objects.filter(pk=export.pk, state=ExportState.WORKING, attempts=export.attempts)

    def progress(percent: int) -> None:
        mine.update(progress=percent * 9 // 10, due_at=Now() + LEASE)

    try:
        content = _build_content(export, progress)
    except Exception as error:  # whatever it is, it is written down and tried again
        log.error("export_failed", export=str(export.pk), error=repr(error))
        mine.update(
            state=ExportState.WAITING,
            last_error=f"{type(error).__name__}: {error}"[:2000],
            due_at=Now() + timedelta(seconds=30 * export.attempts),
        )
        return False
    return bool(
        mine.update(
            state=ExportState.READY, progress=100, content=content, finished_at=Now(), last_error=""
        )
    )


def _build_content(export: Export, progress: reports.Progress) -> bytes:
    kind = Format(export.format)
    report = reports.build_report(
        _build_question(export), drawn=kind == Format.PDF, progress=progress
    )
    return _render(report, kind)


def _render(report: reports.Report, kind: Format) -> bytes:
    if kind == Format.CSV:
        return exports_csv.render_csv(report)
    from . import exports_pdf  # its library is large, and most processes never draw

    return exports_pdf.render_pdf(report)


def _give_up() -> None:
    """What failed, or killed its worker, as often as it may."""
    Export.objects.filter(
        state__in=(ExportState.WAITING, ExportState.WORKING),
        attempts__gte=ATTEMPTS,
        due_at__lte=Now(),
    ).update(state=ExportState.FAILED, finished_at=Now())


def prune() -> int:
    """Exports forgotten, made or not."""
    return Export.objects.filter(created_at__lt=Now() - settings.KEEP_EXPORTS).delete()[0]
