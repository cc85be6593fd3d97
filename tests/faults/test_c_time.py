"""Time: missed runs, changes of clocks, and clocks that are wrong. One clock decides, the
database's; deadlines are instants, slots are wall times."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.db.models.functions import Now

from api.models import Booking, Delivery, Job
from api.models.outbox import State
from api.services.messages import mailer, outbox, reminders
from backend.devserver import CHECKOUT
from tests.clock.nodes import Beat, Worker
from tests.support.waiting import eventually

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unbroken")]

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def test_21_a_reminder_missed_by_a_day_is_sent_while_it_helps_and_withheld_when_not(
    booked, ana, mailoutbox
):
    """With `remind_at = now` or a window instead of `<= now`, both would be lost unseen."""
    soon, begun = booked(ana), booked(ana, hours=2)
    Delivery.objects.all().delete()
    Booking.objects.filter(pk=soon.pk).update(remind_at=Now() - 26 * HOUR)
    Booking.objects.filter(pk=begun.pk).update(
        remind_at=Now() - 26 * HOUR, starts_at=Now() - MINUTE, ends_at=Now() + MINUTE
    )
    reminders.queue_due()
    outbox.deliver(["email"], mailer.send)
    states = dict(Delivery.objects.values_list("booking_id", "state"))
    assert states == {soon.pk: State.SENT, begun.pk: State.WITHHELD}
    assert [message.to for message in mailoutbox] == [[ana.email]]


def test_23_a_venue_that_changes_its_zone_moves_no_booking_and_lists_those_to_review(
    client_of, ada, booked, ana, venue
):
    kept = booked(ana)
    before = Booking.objects.values().get()
    answer = client_of(ada).patch(f"/api/v1/venues/{venue.slug}/", {"time_zone": "Asia/Kolkata"})
    assert answer.status_code == 200, answer.content
    [listed] = answer.json()["affected"]
    assert (listed["id"], listed["code"]) == (kept.pk, "time_zone_changed")
    assert datetime.fromisoformat(listed["starts_at"]) == kept.starts_at
    assert Booking.objects.values().get() == before


def test_24_and_25_the_database_decides_whatever_clock_beat_and_worker_read(
    celery_broker, programs, booked, court, ana, tmp_path
):
    """Beat and a worker run an hour ahead, then two days, then an hour behind. With the process's
    clock in a sweep, the hold with half an hour left expires; without our scheduler, beat sends
    nothing for the two days that its clock went back."""
    court.price_minor = 500
    court.save()
    alive, dead = booked(ana), booked(ana, hours=2)
    Booking.objects.filter(pk=dead.pk).update(hold_expires_at=Now())
    shift = tmp_path / "shift"
    shift.write_text("3600")
    programs(Worker, "worker", shift=str(shift))
    programs(Beat, "beat", shift=str(shift))

    def runs(job: str) -> int:
        return Job.objects.filter(name=job).values_list("runs", flat=True).first() or 0

    eventually(lambda: runs("expire_holds") >= 2, 60)
    assert runs("prune_blacklist") == 1
    shift.write_text(str(2 * 86_400))
    eventually(lambda: runs("prune_blacklist") == 2, 60)
    shift.write_text("-3600")
    before = runs("expire_holds")
    eventually(lambda: runs("expire_holds") >= before + 2, 60)
    assert dict(Booking.objects.values_list("pk", "status")) == {
        alive.pk: "held",
        dead.pk: "expired",
    }


def read_when_imported(tree: ast.Module) -> Iterator[int]:
    """Lines that read a clock at import: outside every function, or as a default of one."""

    def visit(node: ast.AST, inside: bool) -> Iterator[int]:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not inside:
            owner = getattr(node.func.value, "id", "")
            clock = (owner, node.func.attr)
            if clock in {("datetime", "now"), ("timezone", "now"), ("date", "today")} or (
                owner == "time" and node.func.attr in ("time", "monotonic")
            ):
                yield node.lineno
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            for default in [*node.args.defaults, *filter(None, node.args.kw_defaults)]:
                yield from visit(default, inside)
            body = node.body if isinstance(node.body, list) else [node.body]
            for child in body:
                yield from visit(child, True)
            return
        for child in ast.iter_child_nodes(node):
            yield from visit(child, inside)

    return visit(tree, False)


def modules() -> list[Path]:
    found = [p for top in ("api", "tasks", "backend") for p in (CHECKOUT / top).rglob("*.py")]
    return [path for path in found if "migrations" not in path.parts]


def test_25_no_module_captures_the_time_at_which_it_was_imported():
    assert list(read_when_imported(ast.parse("from datetime import *\nX = datetime.now()"))) == [2]
    assert list(read_when_imported(ast.parse("def f(at=date.today()): ..."))) == [1]
    found = {
        f"{path.relative_to(CHECKOUT)}:{line}"
        for path in modules()
        for line in read_when_imported(ast.parse(path.read_text()))
    }
    assert found == set()


def test_24_no_rule_reads_the_clock_of_its_process():
    """`policy`, `services` and `queries` ask the database; only the demo's dates may not, which
    week of hours is shown as today's, and tokens, whose other times are the library's."""
    found = set()
    for top in ("policy.py", "services", "queries", "models", "lifecycle.py"):
        place = CHECKOUT / "api" / top
        for path in [place] if place.is_file() else place.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    owner = getattr(node.func.value, "id", "")
                    if (owner, node.func.attr) in {
                        ("datetime", "now"),
                        ("datetime", "utcnow"),
                        ("timezone", "now"),
                        ("date", "today"),
                        ("time", "time"),
                    }:
                        found.add(path.name)
    assert found <= {"demo.py", "hours.py", "tokens.py"}
