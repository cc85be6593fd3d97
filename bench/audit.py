"""What the audit log costs: a booking of a customer, who leaves nothing in it, the same of staff,
and sealing and verifying many entries."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection

from api.models import Membership, User
from api.services.accounts import tokens
from api.services.audit import sealing
from api.services.audit.recording import Recorder
from bench import booking, processor
from bench.sizes import PLAN, Figure, spread

EACH, ROUNDS, ENTRIES = 200, 12, 100_000
PATH = "/api/v1/bookings/"


def run() -> list[Figure]:
    people = booking.people_and_rooms("audit")
    User.objects.filter(pk=people["staff"].pk).update(is_active=True)
    Membership.objects.create(user=people["staff"], venue_id=people["venue"], role="staff")
    staff = tokens.issue(User.objects.get(pk=people["staff"].pk)).access
    bodies = booking.bodies(people, 300)
    return [
        _compare("a customer's booking, with the triggers against without", people["token"],
                 bodies, _set_triggers),
        _compare("a booking of staff, recorded against not", staff, bodies, _set_recording),
        *_seal_and_verify(),
    ]  # fmt: skip


def _compare(
    what: str, token: str, bodies: Iterator[bytes], switch: Callable[[bool], Any]
) -> Figure:
    application = processor.get_application()
    took: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(PLAN.rounds(ROUNDS) + 1):
        for on in (True, False):
            switch(on)
            before = time.process_time() + processor.get_database_time()
            for _ in range(EACH):
                processor.post(application, PATH, next(bodies), token)
            took[on].append((time.process_time() + processor.get_database_time() - before) / EACH)
    switch(True)
    ratios = [a / b for a, b in zip(took[True][1:], took[False][1:], strict=True)]
    times = " / ".join(f"{1e3 * statistics.median(took[on][1:]):.2f}" for on in (True, False))
    figure = f"{statistics.median(ratios):.3f} × ({spread(ratios)}; {times} ms a request)"
    return Figure(f"audit: {what}, by processor time", figure)


def _set_triggers(on: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE api_booking {'ENABLE' if on else 'DISABLE'} TRIGGER audited")


_start, _stop = Recorder.start, Recorder.stop


def _set_recording(on: bool) -> None:
    Recorder.start = _start if on else (lambda self: None)  # type: ignore[method-assign]
    Recorder.stop = _stop if on else (lambda self: None)  # type: ignore[method-assign]


def _seal_and_verify() -> list[Figure]:
    sealing.seal_everything()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO api_auditentry (kind, action, object, before, after, request_id,"
            " content_digest, digest) SELECT 'staff', 'update', 'resource:' || n,"
            """ '{"name": "Court 1"}', '{"name": "Centre"}', md5(n::text), '', ''"""
            " FROM generate_series(1, %s) n",
            [ENTRIES],
        )
    began = time.perf_counter()
    sealing.seal()
    sealed = time.perf_counter()
    report = sealing.verify()
    done = time.perf_counter()
    assert report.problems == [] and report.unsealed == 0
    many = f"{ENTRIES:,} entries"
    return [
        Figure(f"audit: sealing {many}", f"{sealed - began:.1f} s"),
        Figure(f"audit: verifying {report.sealed:,} entries", f"{done - sealed:.1f} s"),
    ]
