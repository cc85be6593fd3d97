"""What the database says when it breaks a tie between two who write: tried again, or a 409."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import connection, transaction

from api import errors
from api.lifecycle import Status
from api.models import Booking
from api.services.bookings.actions import cancel_booking
from tests.support.kinds import KINDS

from . import unguarded
from .ways import HOUR, owner_of

pytestmark = pytest.mark.django_db(transaction=True)
CHOSEN_ONCE = [name for name in KINDS if name != "service"]  # that looks on for what is free


def test_a_row_that_somebody_else_holds_too_long_is_refused_as_busy(ways, ana, at_once):
    row = ways.book(ana)()

    def impatient():
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout TO '50ms'")
        return cancel_booking(row.pk, owner_of(row))

    with transaction.atomic():
        Booking.objects.select_for_update().get(pk=row.pk)
        (result,) = at_once(impatient)
    assert isinstance(result, errors.Busy)
    row.refresh_from_db()
    assert row.status == Status.CONFIRMED


@pytest.mark.parametrize("verb", ["book", "cancel", "reschedule", "reinstate", "extend"])
def test_a_tie_that_is_broken_against_us_once_is_tried_again(ways, ana, verb):
    for sqlstate in ("40P01", "40001"):
        with unguarded.schema():
            call, event = ready(ways, ana, verb)
            with unguarded.fault(sqlstate, 1, event):
                assert isinstance(call(), Booking)


@pytest.mark.parametrize("verb", ["book", "cancel", "reschedule", "reinstate", "extend"])
def test_a_tie_that_is_broken_against_us_again_is_refused_as_busy(ways, ana, verb):
    """A lock that was waited for in vain is not waited for a second time."""
    for sqlstate, times in (("40P01", 2), ("40001", 2), ("55P03", 1)):
        with unguarded.schema():
            call, event = ready(ways, ana, verb)
            before = list(Booking.objects.order_by("id").values())
            with unguarded.fault(sqlstate, times, event), pytest.raises(errors.Busy):
                call()
            assert list(Booking.objects.order_by("id").values()) == before


@pytest.mark.parametrize("kind", CHOSEN_ONCE, indirect=True)
@pytest.mark.parametrize("verb", ["reschedule", "reinstate", "extend"])
def test_a_constraint_that_refuses_a_move_is_tried_again_and_then_a_taken_slot(ways, ana, verb):
    with unguarded.schema():
        call, event = ready(ways, ana, verb)
        with unguarded.fault("23P01", 2, event), pytest.raises(errors.SlotTaken):
            call()
        with unguarded.fault("23P01", 1, event):
            assert isinstance(call(), Booking)


def ready(ways, owner, verb):
    """What says the verb, and the statement it meets the table with."""
    if verb == "book":
        return ways.book(owner), "INSERT"
    if verb == "cancel":
        row = ways.book(owner)()
        return partial(cancel_booking, row.pk, owner_of(row)), "UPDATE"
    return getattr(ways, "move_in_time" if verb == "reschedule" else verb)(owner), "UPDATE"


@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "k"}])
def test_over_http_a_tie_is_409_and_never_500(client_of, kind, ana, soon, key):
    client, states = client_of(ana), ["40P01", "40001", "55P03"]
    if kind.name in CHOSEN_ONCE:
        states.append("23P01")
    for n, sqlstate in enumerate(states):
        code = "slot_taken" if sqlstate == "23P01" else "busy"
        start = soon + n * timedelta(days=1)
        body = kind.body(start, start + HOUR)
        keys = [{name: f"{value}{n}-{m}" for name, value in key.items()} for m in range(2)]
        with unguarded.schema():
            with unguarded.fault(sqlstate, 999, "INSERT"):
                answer = client.post("/api/v1/bookings/", body, headers=keys[0])
            assert (answer.status_code, answer.json()["code"]) == (409, code), answer.content
            assert answer["Content-Type"] == "application/problem+json"
            if code == "busy":
                assert answer["Retry-After"] == "1"
            assert not Booking.objects.exists()
            made = client.post("/api/v1/bookings/", body, headers=keys[0])
            assert made.status_code == 201  # a refusal is not kept for the key
            path = f"/api/v1/bookings/{made.json()['id']}/"
            changes = kind.move(start + HOUR, start + 2 * HOUR)
            times = {name: getattr(changes, name).isoformat() for name in ("starts_at", "ends_at")}
            if kind.service is not None:
                del times["ends_at"]
            with unguarded.fault(sqlstate, 999, "UPDATE"):
                moved = client.patch(path, times, headers=keys[1])
            assert (moved.status_code, moved.json()["code"]) == (409, code), moved.content
            assert client.get(path).json() == made.json()
