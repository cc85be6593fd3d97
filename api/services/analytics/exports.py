"""Files of figures: small ones at once, large ones by a worker.

An export is a row of a queue, and the file is in the row, so any process can hand it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db.models.functions import Now

from api.errors import NotFound, Refusal
from api.models import Caller, Export, User
from api.models.analytics import ExportState, Figure, Format
from api.queries.venues.venues import get_venue
from api.services.operations.lease_queue import LeaseQueue, run_one_by_one

from . import exports_csv, exports_pdf, reports
from .reports import Question

MEDIA: Final = {Format.CSV: "text/csv; charset=utf-8", Format.PDF: "application/pdf"}
LEASE: Final = timedelta(minutes=6)  # longer than a task may run
REUSE_FOR: Final = timedelta(minutes=10)  # requested again within it, the same file is returned
QUEUE: Final = LeaseQueue(
    Export,
    claimed=ExportState.WORKING.value,
    done=ExportState.READY.value,
    parked=ExportState.FAILED.value,
    batch=1,  # a process makes one at a time
    lease=LEASE,
    waits=(timedelta(seconds=30), timedelta(seconds=60)),
    max_deaths=3,
)


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


def request_export(question: Question, kind: Format, by: User | None) -> Export:
    """The export that a worker makes; one of the same question that is younger than REUSE_FOR
    serves again, so that asking anew is a way of waiting."""
    columns = {
        "figure": question.figure,
        "format": kind,
        "venue_slug": question.venue.slug if question.venue else "",
        "venues": _list_venues(question),
        "first_on": question.first_on,
        "last_on": question.last_on,
    }
    known = Export.objects.filter(**columns, created_at__gt=Now() - REUSE_FOR)
    found = known.exclude(state=ExportState.FAILED).defer("content").first()
    return found or Export.objects.create(**columns, requested_by=by)


def _list_venues(question: Question) -> list[int] | None:
    """The ids of the venues that it is about, None for all."""
    if question.venue:
        return [question.venue.pk]
    return None if question.venues is None else sorted(question.venues)


def get(pk: UUID, caller: Caller) -> Export:
    """The export without its content; refuses `NotFound`, also to who is not staff of every venue
    that it is about."""
    found = Export.objects.defer("content").filter(pk=pk).first()
    if found is None or not _may_read(found, caller):
        raise NotFound("There is no such export, or it has been forgotten.")
    return found


def _may_read(export: Export, caller: Caller) -> bool:
    if export.venues is None:
        return caller.is_operator
    return all(caller.is_staff_of(venue_id) for venue_id in export.venues)


def get_file(pk: UUID, caller: Caller) -> File:
    """What was made; refuses `NotReady` and `NotFound`."""
    export = get(pk, caller)
    if export.state != ExportState.READY or export.content is None:
        raise NotReady(current=export.state)
    return _build_file(_build_question(export), Format(export.format), bytes(export.content))


def _build_question(export: Export) -> Question:
    venue = get_venue(export.venue_slug) if export.venue_slug else None
    venues = None if export.venues is None else frozenset(export.venues)
    return Question(Figure(export.figure), venue, export.first_on, export.last_on, venues)


def _build_file(question: Question, kind: Format, content: bytes) -> File:
    return File(f"holdfast-{question.file_name}.{kind}", MEDIA[kind], content)


# the worker's side


def make_requested() -> int:
    """How many files were made in this run."""
    return QUEUE.run(run_one_by_one(_make))


def _make(export: Export) -> None:
    mine = QUEUE.leased(export)

    def progress(percent: int) -> None:
        mine.update(progress=percent * 9 // 10, due_at=Now() + LEASE)

    mine.update(content=_build_content(export, progress), progress=100)


def _build_content(export: Export, progress: reports.Progress) -> bytes:
    kind = Format(export.format)
    report = reports.build_report(
        _build_question(export), drawn=kind == Format.PDF, progress=progress
    )
    return _render(report, kind)


def _render(report: reports.Report, kind: Format) -> bytes:
    return (exports_csv.render_csv if kind == Format.CSV else exports_pdf.render_pdf)(report)


def prune() -> int:
    """Delete old exports, made or not."""
    return Export.objects.filter(created_at__lt=Now() - settings.KEEP_EXPORTS).delete()[0]
