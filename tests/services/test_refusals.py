"""What a refused booking costs: the hot path of a storm."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api import errors
from api.models import Booking, Resource
from api.queries.bookings.availability import NEARBY
from api.services.venues import venues
from tests.contracts.faces import FACES

pytestmark = pytest.mark.django_db


def nearest(start: datetime) -> str:
    """What the look for the nearest free times begins with."""
    return f"'{start - NEARBY}'"


def count(call: Any, status: int) -> list[str]:
    """The statements of a call."""
    with CaptureQueriesContext(connection) as queries:
        answer = call()
    assert answer.status_code == status, answer.content
    return [query["sql"] for query in queries]


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.name)
def test_a_refusal_looks_up_only_what_it_shows(
    face: Any, ana: Any, ben: Any, soon: datetime
) -> None:
    """Without that, contracts look for the nearest free times, which none of them shows."""
    site = venues.get_contract_venue(face.name)
    place = Resource.objects.create(venue=site, name="Place", capacity=4, **face.place)
    start = soon + timedelta(days=1)
    face.book(ana, place, start)
    face.book(ben, place, start + timedelta(hours=6))  # some are given a token only now
    made = count(lambda: face.book(ana, place, start + timedelta(hours=3)), 201)
    refused = count(lambda: face.book(ben, place, start), face.refused)
    assert not any(nearest(start) in sql for sql in refused)
    assert len(refused) <= len(made) + 2, "\n".join(refused)


def test_our_own_api_looks_up_both_in_a_statement_each(
    ana: Any, ben: Any, court: Resource, booked: Any, client_of: Any, soon: datetime
) -> None:
    later = soon + timedelta(days=1)
    booked(ana, hours=24)
    body = {"resource": court.pk, "starts_at": later.isoformat()}
    body["ends_at"] = (later + timedelta(hours=1)).isoformat()
    client = client_of(ben)
    refused = count(lambda: client.post("/api/v1/bookings/", body), 409)
    assert sum(nearest(later) in sql for sql in refused) == 1
    # who asks, the rules, the insert, what blocks, the nearest times
    assert len(refused) == 5, refused


def test_nothing_is_looked_up_before_it_is_read() -> None:
    looked: list[str] = []

    def find(name: str) -> list[str]:
        looked.append(name)
        return [name]

    refusal = errors.SlotTaken(
        find_conflicts=lambda: find("conflicts"), find_alternatives=lambda: find("alternatives")
    )
    assert looked == []
    assert refusal.conflicts == refusal.conflicts == ["conflicts"]
    assert looked == ["conflicts"]
    assert refusal.alternatives == ["alternatives"]


def test_an_overdue_hold_and_a_booking_in_the_way_are_told_apart(
    ana: Any, court: Resource, booked: Any, soon: datetime
) -> None:
    """Only what the clock should have ended gives way."""
    overdue, firm = booked(ana, hours=0), booked(ana, hours=1)
    Booking.objects.filter(pk=overdue.pk).update(
        status="held", hold_expires_at=soon - timedelta(days=9)
    )
    with pytest.raises(errors.SlotTaken) as refused:
        booked(ana, hours=0.5)
    assert refused.value.conflicts == [firm]
    overdue.refresh_from_db()
    assert overdue.status == "held"  # nothing was ended in vain
    assert booked(ana, hours=0).status == "confirmed"
