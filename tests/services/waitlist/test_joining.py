"""Who may wait, for what, and in which place of the line."""

from __future__ import annotations

from datetime import timedelta

import pytest

from api import errors
from api.models import (
    Resource,
    Venue,
    WaitlistEntry,
)

from .lines import HOUR, positions

pytestmark = pytest.mark.django_db


def test_nobody_waits_for_what_is_free(waits, booked, ana, ben, soon):
    with pytest.raises(errors.SlotFree) as refused:
        waits(ben, window=3)
    assert refused.value.alternatives == [(soon, soon + HOUR)]
    assert not WaitlistEntry.objects.exists()
    booked(ana)
    with pytest.raises(errors.SlotFree) as refused:
        waits(ben, window=3)
    assert refused.value.alternatives == [(soon + HOUR, soon + 2 * HOUR)]
    assert waits(ben).status == "waiting"


def test_the_same_person_stands_in_a_line_once(waits, booked, ana, ben, people):
    booked(ana, length=4)
    waits(ben, window=2)
    with pytest.raises(errors.AlreadyWaiting):
        waits(ben, hours=1, window=2)
    assert waits(ben, hours=2).status == "waiting"  # the windows meet, and do not overlap
    assert waits(people[0], window=2).status == "waiting"


def test_the_position_is_counted_among_those_who_wait_for_the_same_thing_at_that_time(
    waits, booked, venue, soon, ana, ben, people, sam
):
    other = Resource.objects.create(venue=venue, name="Court 2")
    booked(ana, length=4)
    booked(ana, length=4, place=other)
    cleo, dan, *_ = people
    waits(ben, window=2)
    waits(cleo, window=2, resource=other.pk)
    waits(dan, hours=2)
    waits(cleo, hours=1, window=2)
    assert positions(sam) == [1, 1, 1, 3]
    assert positions(ben) == [1]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"window": 0.5}, errors.Unfit),
        ({"window": 0}, errors.EndsBeforeStart),
        ({"hours": -24 * 7}, errors.InThePast),
        ({"hours": 24 * 90}, errors.TooFarAhead),
        ({"hours": 24 * 365 * 300}, errors.AbsurdTime),
        ({"length": timedelta(0)}, errors.Unfit),
        ({"length": None}, errors.Unfit),
        ({"quantity": 2}, errors.Unfit),
        ({"quantity": 0}, errors.Unfit),
        ({"window": 24 * 400}, errors.Unfit),
    ],
)
def test_what_can_never_be_booked_is_not_waited_for(
    waits, booked, ana, ben, court, changes, refusal
):
    booked(ana)
    quantity = {"quantity": changes.pop("quantity")} if "quantity" in changes else {}
    with pytest.raises(refusal):
        waits(ben, **changes, **({"resource": court.pk} | quantity))
    assert not WaitlistEntry.objects.exists()


def test_there_is_no_line_for_what_is_not_there(waits, booked, ana, ben, court):
    booked(ana)
    for what in ({"resource": 0}, {"pool": 0}, {"service": 0}):
        with pytest.raises(errors.NotFound):
            waits(ben, **what)


def test_who_may_not_book_does_not_wait(waits, booked, ana, venue, person):
    booked(ana)
    Venue.objects.update(joining="invited")
    with pytest.raises(errors.Forbidden):
        waits(person("zoe", role=""))
