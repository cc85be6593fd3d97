"""Units, buffers, sets, services and blocks in the figures: time counts at each resource and unit,
a booking once."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api import errors
from api.models import (
    Booking,
    DayRollup,
    Hours,
    Need,
    OutdatedPeriod,
    Pool,
    Resource,
    Service,
    ServiceDuration,
    User,
    Venue,
)
from api.queries.analytics import aggregates, analytics, breakdowns, rollups
from api.services.actors import Actor
from api.services.analytics.rollups import roll_up
from api.services.bookings.create import BookingRequest, create_booking
from api.services.venues.blocks import create_block

QUARTER, DAY = timedelta(minutes=15), timedelta(days=1)
WEEK = ((time(8), time(12)), (time(13), time(18)))  # every day, with a lunch break
BACK = 70 * DAY  # bookings are made ahead, and put so far into the past
SOURCES = (aggregates, rollups)

one = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["one", "one", "set", "service"]),
        "resources": st.permutations([0, 1, 2]),
        "parts": st.integers(2, 3),
        "begins": st.integers(7 * 4, 7 * 4 * 24),
        "quarters": st.integers(1, 40),
        "quantity": st.integers(1, 3),
        "guests": st.integers(1, 9),
        "becomes": st.sampled_from(["completed", "completed", "no_show", "cancelled"]),
        "cut": st.none() | st.integers(-2, 40),
    }
)
block = st.tuples(st.integers(0, 2), st.integers(0, 7 * 96), st.integers(1, 60))


@dataclass
class Taken:
    """What the oracle knows of a booking."""

    first: int
    units: dict[int, int]
    starts_at: datetime
    until: datetime
    guests: int
    no_show: bool


class Gym:
    """Three resources of one venue in UTC, and the plain list of what was booked of them."""

    def __init__(self, units: list[int], buffers: list[int]) -> None:
        self.owner = User.objects.create_user(f"p{User.objects.count()}@example.com")
        self.venue = Venue.objects.create(
            slug="gym", name="Gym", hours_enforced=False, max_advance=60 * DAY
        )
        for weekday in range(7):
            for opens, closes in WEEK:
                Hours.objects.create(
                    venue=self.venue, weekday=weekday, opens_at=opens, closes_at=closes
                )
        self.rooms = [
            Resource.objects.create(
                venue=self.venue,
                name=str(n),
                units=many,
                capacity=2,
                buffer_before=buffer * QUARTER,
                buffer_after=buffer * QUARTER,
            )
            for n, (many, buffer) in enumerate(zip(units, buffers, strict=True))
        ]
        self.service = self.make_service()
        ahead = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + 2 * DAY
        self.first = ahead
        self.taken: list[Taken] = []

    def make_service(self) -> Service:
        """Takes one of the first two and one of the last."""
        service = Service.objects.create(venue=self.venue, name="S", buffer_after=2 * QUARTER)
        ServiceDuration.objects.create(service=service, duration=4 * QUARTER)
        for rooms, quantity in ((self.rooms[:2], 1), (self.rooms[2:], 2)):
            pool = Pool.objects.create(venue=self.venue, name="P")
            pool.resources.set(rooms)
            Need.objects.create(service=service, pool=pool, quantity=quantity)
        return service

    def book(self, row: dict[str, Any]) -> None:
        ids = [self.rooms[n].pk for n in row["resources"]]
        starts_at = self.first + row["begins"] * QUARTER
        request = BookingRequest(
            owner=self.owner,
            starts_at=starts_at,
            ends_at=starts_at + row["quarters"] * QUARTER,
            resource=ids[0],
            others=ids[1 : row["parts"]] if row["kind"] == "set" else (),
            quantity=row["quantity"],
            guests=row["guests"],
        )
        if row["kind"] == "service":
            request = BookingRequest(
                owner=self.owner,
                starts_at=starts_at,
                service=self.service.pk,
                quantity=row["quantity"],
                guests=row["guests"],
            )
        actor = Actor.for_new_booking(self.owner)
        booking = create_booking(request, actor=actor, check=lambda *_, **__: None)
        self.finish(booking, row)

    def finish(self, booking: Booking, row: dict[str, Any]) -> None:
        """The booking as it stands weeks later."""
        rows = Booking.objects.filter(pk=booking.pk)
        cut = None if row["cut"] is None else booking.starts_at + row["cut"] * QUARTER
        status = row["becomes"]
        names = {"completed": "ended_at", "no_show": "no_show_at"}
        more = {names[status]: cut - BACK} if cut and status in names else {}
        rows.update(
            status=status,
            starts_at=F("starts_at") - BACK,
            ends_at=F("ends_at") - BACK,
            completes_at=F("ends_at") - BACK,
            **more,
        )
        if status == "cancelled":
            return
        until = booking.ends_at
        if cut is not None:
            until = max(booking.starts_at, min(cut, until))
        units: dict[int, int] = {}
        for pk, _ in booking.places:
            units[pk] = units.get(pk, 0) + 1
        self.taken.append(
            Taken(
                booking.resource_id,
                units,
                booking.starts_at - BACK,
                until - BACK,
                row["guests"],
                status == "no_show",
            )
        )

    def block(self, room: int, begins: int, quarters: int) -> None:
        starts_at = self.first + begins * QUARTER
        create_block(
            self.rooms[room],
            Actor.clock("test"),
            starts_at=starts_at,
            ends_at=starts_at + quarters * QUARTER,
            force=True,
        )

    # the oracle: every quarter of an hour of every unit

    def is_open(self, at: datetime) -> bool:
        return any(opens <= at.time() < closes for opens, closes in WEEK)

    def count_quarters(self, pk: int, first: datetime, last: datetime) -> tuple[int, int]:
        """Taken, and open, of all units."""
        room = next(room for room in self.rooms if room.pk == pk)
        moments = [
            at for n in range((last - first) // QUARTER) if self.is_open(at := first + n * QUARTER)
        ]
        taken = sum(
            row.units.get(pk, 0)
            for at in moments
            for row in self.taken
            if row.starts_at <= at < row.until
        )
        return taken, room.units * len(moments)

    def check(self, source: Any) -> None:
        first, last = self.first - BACK, self.first - BACK + 9 * DAY
        dates = first.date(), (last - DAY).date()
        rows = analytics.compute_utilization(self.venue, *dates, source=source)
        people = analytics.compute_capacity(self.venue, *dates, source=source)
        ghosts = analytics.compute_ghosting(self.venue, *dates, source=source)
        whole = [0, 0]
        for row, capacity, ghost in zip(rows, people, ghosts, strict=True):
            pk = row["resource_id"]
            taken, opened = self.count_quarters(pk, first, last)
            own = [each for each in self.taken if each.first == pk]
            units = [each.units[pk] for each in own]
            whole = [whole[0] + taken, whole[1] + opened]
            assert row["total_hours"] == taken / 4
            assert row["utilization_rate"] == round(min(100.0, 100 * taken / opened), 1)
            assert row["total_bookings"] == ghost["total_bookings"] == len(own)
            assert ghost["no_shows"] == sum(each.no_show for each in own)
            pairs = [(each.guests, 2 * n) for each, n in zip(own, units, strict=True)]
            assert capacity["oversized"] == sum(2 * guests < fits for guests, fits in pairs)
            assert capacity["undersized"] == sum(guests > fits for guests, fits in pairs)
            full = min(100.0, 100 * sum(g for g, _ in pairs) / sum(f for _, f in pairs or [(0, 1)]))
            assert capacity["capacity_utilization"] == round(full, 1)
        kpi = analytics.compute_kpi(self.venue, *dates, source=source)
        assert kpi["total_bookings"] == len(self.taken)
        assert kpi["avg_utilization"] == round(min(100.0, 100 * whole[0] / whole[1]), 1)
        heat = analytics.compute_heat_map(self.venue, *dates, source=source)
        assert sum(map(sum, heat)) == pytest.approx(whole[0] / 4)
        trend = breakdowns.compute_trend(self.venue, "bookings", *dates)
        assert sum(row["value"] for row in trend) == len(self.taken)
        starts = breakdowns.count_starts(self.venue, *dates)
        assert sum(row["count"] for row in starts) == len(self.taken)
        departments = breakdowns.compute_departments(self.venue, *dates)
        assert sum(row["total_bookings"] for row in departments) == len(self.taken)


@pytest.mark.django_db
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    units=st.lists(st.integers(1, 4), min_size=3, max_size=3),
    buffers=st.lists(st.integers(0, 3), min_size=3, max_size=3),
    before=st.lists(one, min_size=3, max_size=12),
    blocks=st.lists(block, max_size=2),
    after=st.lists(one, max_size=3),
)
def test_figures_are_those_of_a_plain_count(db, units, buffers, before, blocks, after):
    """Fails when parts are not looked at, when units are not multiplied, or when a booking is
    counted at each of its parts: each was tried once. Blocks and buffers change nothing."""
    with transaction.atomic():
        gym = Gym(units, buffers)
        for row in before:
            with suppress(errors.Refusal), transaction.atomic():
                gym.book(row)
        for row in blocks:
            gym.block(*row)
        gym.check(aggregates)
        roll_up()
        gym.check(rollups)
        for row in after:
            with suppress(errors.Refusal), transaction.atomic():
                gym.book(row)
        gym.check(rollups)
        roll_up()
        gym.check(rollups)
        transaction.set_rollback(True)


# what is kept of past days


@pytest.fixture
def gym(db) -> Gym:
    return Gym([2, 1, 3], [0, 1, 0])


ROW: dict[str, Any] = {
    "kind": "set",
    "resources": [0, 1, 2],
    "parts": 3,
    "begins": 36,
    "quarters": 8,
    "quantity": 1,
    "guests": 1,
    "becomes": "completed",
    "cut": None,
}


def hours(gym: Gym, source: Any = rollups) -> list[float]:
    on = (gym.first - BACK).date()
    rows = analytics.compute_utilization(gym.venue, on, on + 8 * DAY, source=source)
    return [row["total_hours"] for row in rows]


@pytest.mark.django_db
@pytest.mark.parametrize("source", SOURCES)
def test_a_set_takes_the_time_of_each_of_its_parts_and_is_one_booking(gym, source):
    gym.book(ROW)
    on = (gym.first - BACK).date()
    rows = analytics.compute_utilization(gym.venue, on, on + 8 * DAY, source=source)
    assert [row["total_hours"] for row in rows] == [2.0, 2.0, 2.0]
    assert [row["total_bookings"] for row in rows] == [1, 0, 0]
    assert analytics.compute_kpi(gym.venue, on, on + 8 * DAY)["total_bookings"] == 1


@pytest.mark.django_db
def test_a_changed_set_of_the_past_is_seen_at_once_at_all_its_parts(gym):
    """Fails when only the first resource of a changed booking is marked as outdated."""
    gym.book(ROW)
    roll_up()
    OutdatedPeriod.objects.all().delete()
    Booking.objects.update(status="cancelled")
    assert hours(gym) == [0.0, 0.0, 0.0]


@pytest.mark.django_db
def test_a_part_that_a_set_of_the_past_loses_or_gets_is_seen_at_once(gym):
    """Fails without the trigger on allocations."""
    gym.book(ROW)
    roll_up()
    OutdatedPeriod.objects.all().delete()
    booking = Booking.objects.get()
    moved = booking.allocations.get(resource=gym.rooms[1])
    booking.allocations.filter(pk=moved.pk).delete()
    assert hours(gym) == [2.0, 0.0, 2.0]
    roll_up()
    moved.pk = None
    moved.save()
    assert hours(gym) == [2.0, 2.0, 2.0]


@pytest.mark.django_db
def test_a_day_of_a_part_is_not_summed_up_while_its_set_waits_for_a_deadline(gym):
    """Fails when only bookings of the resource itself are looked at."""
    gym.book(ROW)
    later = datetime.now(UTC) + timedelta(hours=1)
    Booking.objects.update(status="held", hold_expires_at=later)
    roll_up()
    on = (gym.first - BACK).date()
    for room in gym.rooms:
        assert not DayRollup.objects.filter(resource=room, starts_on=on).exists()
    assert hours(gym) == [2.0, 2.0, 2.0]
    Booking.objects.update(hold_expires_at=datetime.now(UTC))
    assert hours(gym) == [0.0, 0.0, 0.0]


@pytest.mark.django_db
def test_other_units_are_answered_with_at_once(gym):
    gym.book(ROW | {"kind": "one", "quantity": 2})
    roll_up()
    on = (gym.first - BACK).date()
    rate = analytics.compute_utilization(gym.venue, on, on)[0]["utilization_rate"]
    assert rate == 22.2  # two hours of two, of nine of each
    Resource.objects.filter(pk=gym.rooms[0].pk).update(units=8)
    assert analytics.compute_utilization(gym.venue, on, on)[0]["utilization_rate"] == 5.6
