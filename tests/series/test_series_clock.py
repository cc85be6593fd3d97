"""What the clock does with series: later occurrences are booked, and no-shows end one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from django.db.models.functions import Now

from api.lifecycle import BOOKING
from api.models import Booking, Delivery, Resource, Series, Venue
from api.queries.operations import lag
from api.services.bookings.sweeps import sweep
from api.services.series.extend import extend_due_series
from api.services.series.no_shows import end_missed_series
from api.services.venues.venues import update_venue

pytestmark = pytest.mark.django_db
HOUR, WEEK, DAY = timedelta(hours=1), timedelta(weeks=1), timedelta(days=1)
URL = "/api/v1/series/"


@pytest.fixture
def series(client_of, ana, body):
    def make(**more):
        answer = client_of(ana).post(URL, body(**more), format="json")
        assert answer.status_code == 201, answer.json()
        return Series.objects.get(pk=answer.json()["id"])

    return make


@pytest.fixture
def later(series, venue, soon):
    """Ten weeks, of which the venue takes but the first four."""
    Venue.objects.filter(pk=venue.pk).update(max_advance=30 * DAY)
    return series(rule="FREQ=WEEKLY;COUNT=10")


def outcomes(client, series):
    return [each["outcome"] for each in client.get(f"{URL}{series.pk}/").json()["occurrences"]]


def allow(venue, days):
    venue.refresh_from_db()
    update_venue(venue, {"max_advance": days * DAY})


def test_a_later_one_is_booked_when_the_limit_lets_it(later, client_of, ana, venue, soon):
    client = client_of(ana)
    booked = outcomes(client, later).count("booked")
    assert outcomes(client, later) == ["booked"] * booked + ["later"] * (10 - booked)
    assert extend_due_series() == 0
    allow(venue, 45)
    assert lag.count_due("extend_series") == 1
    assert extend_due_series() == 1
    more = outcomes(client, later).count("booked")
    assert more > booked
    assert Booking.objects.filter(series=later).count() == more
    assert not Delivery.objects.exclude(name="series_booked").exists()
    assert extend_due_series() == 0
    allow(venue, 90)
    extend_due_series()
    assert outcomes(client, later) == ["booked"] * 10
    later.refresh_from_db()
    assert (later.later_from, later.extends_at) == (None, None)


def test_when_it_is_due_is_a_local_midnight(later, soon):
    first = later.later_from
    assert later.extends_at == first.replace(hour=0, minute=0) - 30 * DAY


def test_the_owner_is_told_of_one_that_is_taken_by_then(later, venue, ben, client_of, ana, court):
    Booking.objects.create(
        venue=venue, resource=court, owner=ben, status="confirmed", completes_at=later.later_from,
        starts_at=later.later_from, ends_at=later.later_from + HOUR,
    )  # fmt: skip
    allow(venue, 90)
    extend_due_series()
    found = outcomes(client_of(ana), later)
    assert found.count("taken") == 1
    assert found.count("booked") == 9
    letter = Delivery.objects.get(name="series_missed")
    assert letter.to == "ana@example.com"
    assert letter.payload["lines"] == [
        [
            later.later_from.isoformat(),
            (later.later_from + HOUR).isoformat(),
            "taken",
            "slot_taken",
        ]
    ]


def test_one_of_what_is_gone_is_refused_and_told(later, venue, court, client_of, ana):
    Resource.objects.filter(pk=court.pk).update(retired_at=Now())
    allow(venue, 90)
    extend_due_series()
    assert "refused" in outcomes(client_of(ana), later)
    assert Delivery.objects.filter(name="series_missed").count() == 1


def test_a_later_one_that_is_held_says_by_when_to_pay(later, venue, court):
    Resource.objects.filter(pk=court.pk).update(price_minor=500)
    allow(venue, 90)
    extend_due_series()
    assert Delivery.objects.filter(name="series_held").count() == 1
    assert Booking.objects.filter(series=later, status="held").exists()


# no-shows


@pytest.fixture
def missed(series, venue):
    """A series of five to whose first so many nobody came."""

    def make(times, limit=2, **more):
        Venue.objects.filter(pk=venue.pk).update(check_in_required=True, series_no_show_limit=limit)
        made = series(rule="FREQ=DAILY;COUNT=5", **more)
        miss(made, times)
        return made

    return make


def miss(made, times):
    """Lets the time of the next so many pass without anybody there."""
    rows = Booking.objects.filter(series=made, status="confirmed").order_by("starts_at")
    for row in rows[:times]:
        Booking.objects.filter(pk=row.pk).update(
            starts_at=F("starts_at") - 30 * DAY,
            ends_at=F("ends_at") - 30 * DAY,
            no_show_at=F("no_show_at") - 30 * DAY,
        )
    sweep(BOOKING.release, "release_no_shows")


def statuses(made):
    rows = Booking.objects.filter(series=made).order_by("recurrence_id")
    return list(rows.values_list("status", flat=True))


def test_so_many_no_shows_end_it(missed, client_of, ana):
    made = missed(1)
    assert end_missed_series() == 0
    miss(made, 1)
    assert end_missed_series() == 1
    assert statuses(made) == ["no_show"] * 2 + ["cancelled"] * 3
    answer = client_of(ana).get(f"{URL}{made.pk}/").json()
    assert answer["ended_because"] == "no_shows"
    letter = Delivery.objects.get(name="series_ended")
    assert letter.payload["times"] == 2
    assert not Delivery.objects.filter(name="cancelled").exists()
    assert end_missed_series() == 0


def test_without_a_limit_it_goes_on(missed):
    made = missed(4, limit=None)
    assert end_missed_series() == 0
    assert statuses(made) == ["no_show"] * 4 + ["confirmed"]


def test_staff_resume_it_and_only_later_ones_count(missed, client_of, ana, sam, booked, ben):
    made = missed(2)
    end_missed_series()
    taken = Booking.objects.filter(series=made, status="cancelled").earliest("starts_at")
    Booking.objects.create(
        venue=made.venue, resource=taken.resource, owner=ben, status="confirmed",
        starts_at=taken.starts_at, ends_at=taken.ends_at, completes_at=taken.ends_at,
    )  # fmt: skip
    sent = {"scope": "all"}
    assert client_of(ana).post(f"{URL}{made.pk}/resume/", sent, format="json").status_code == 403
    answer = client_of(sam).post(f"{URL}{made.pk}/resume/", sent, format="json")
    assert answer.status_code == 200, answer.json()
    assert answer.json()["ended_at"] is None
    assert statuses(made) == ["no_show"] * 2 + ["cancelled"] + ["confirmed"] * 2
    names = Delivery.objects.order_by("pk").values_list("name", flat=True)
    assert list(names)[-1] == "series_resumed"
    assert "approved" not in names
    assert end_missed_series() == 0
    again = client_of(sam).post(f"{URL}{made.pk}/resume/", sent, format="json")
    assert (again.status_code, again.json()["code"]) == (409, "wrong_status")
    miss(made, 1)
    assert end_missed_series() == 0


def test_the_limit_is_one_or_more_and_read_and_written(client_of, ada, venue):
    client, url = client_of(ada), f"/api/v1/venues/{venue.slug}/"
    assert client.get(url).json()["series_no_show_limit"] is None
    assert client.patch(url, {"series_no_show_limit": 0}, format="json").status_code == 400
    answer = client.patch(url, {"series_no_show_limit": 3}, format="json")
    assert answer.json()["series_no_show_limit"] == 3
    answer = client.patch(url, {"series_no_show_limit": None}, format="json")
    assert answer.json()["series_no_show_limit"] is None
