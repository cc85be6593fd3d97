"""README, "V1 Endpoint Summary" 5.1 to 5.4: admin metrics. The numbers are tested with the core."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from api.lifecycle import BOOKING
from api.models import Booking
from api.services.bookings.sweeps import sweep

pytestmark = pytest.mark.django_db
API = "/circletime/api/analytics"
ALL = ("kpi", "utilization", "ghosting", "capacity")


@pytest.fixture
def today(now):
    return f"start_date={now.date()}&end_date={now.date()}"


@pytest.mark.parametrize("path", ALL)
@pytest.mark.parametrize(("who", "status"), [(None, 401), ("ana", 403), ("sam", 200), ("ada", 200)])
def test_admins_read_them(as_, request, room, today, path, who, status):
    answer = as_(request.getfixturevalue(who) if who else None).get(f"{API}/{path}?{today}")
    assert answer.status_code == status
    assert answer.json()["success"] is (status == 200)


@pytest.mark.parametrize("path", ALL)
@pytest.mark.parametrize("query", ["", "start_date=2030-01-01", "end_date=2030-01-01"])
def test_both_dates_are_required(as_, ada, circle, path, query):
    answer = as_(ada).get(f"{API}/{path}?{query}")
    assert (answer.status_code, answer.json()) == (
        400,
        {
            "success": False,
            "message": "start_date and end_date query parameters are required",
            "code": "validation_error",
        },
    )


@pytest.mark.parametrize("path", ALL)
@pytest.mark.parametrize(
    "query",
    [
        "start_date=2030-01-02&end_date=2030-01-01",
        "start_date=x&end_date=2030-01-01",
        "start_date=2030-02-30&end_date=2030-03-01",
        "start_date=0001-01-01&end_date=9999-12-31",
    ],
)
def test_wrong_dates_are_mistakes(as_, ada, circle, path, query):
    answer = as_(ada).get(f"{API}/{path}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
    assert len(answer.json()["errors"]) == 1


def test_camel_case_dates_are_read_too(as_, ada, room, now):
    query = f"startDate={now.date()}&endDate={now.date()}"
    assert as_(ada).get(f"{API}/kpi?{query}").status_code == 200


def test_four_figures_in_their_order(as_, ada, room, today):
    answer = as_(ada).get(f"{API}/kpi?{today}")
    assert answer.json() == {
        "success": True,
        "data": [
            {"label": label, "value": value, "change": change, "changeType": word, "unit": unit}
            for label, value, change, word, unit in (
                ("Total Rooms", 1, None, None, "rooms"),
                ("Avg Utilization", 0.0, 0.0, "neutral", "%"),
                ("Ghosting Rate", 0.0, 0.0, "neutral", "%"),
                ("Total Bookings", 0, None, None, "bookings"),
            )
        ],
    }


def test_less_ghosting_is_a_change_for_the_better():
    from api.contracts.circletime.serializers import build_kpi_figures

    found = {
        "total_rooms": 3,
        "avg_utilization": 40.0,
        "utilization_change": -2.5,
        "ghosting_rate": 5.0,
        "ghosting_change": -1.5,
        "total_bookings": 10,
        "bookings_change": 25.0,
    }
    rows = build_kpi_figures(found)
    assert [(row["change"], row["changeType"]) for row in rows] == [
        (None, None),
        (-2.5, "negative"),
        (-1.5, "positive"),
        (25.0, "positive"),
    ]


def test_rows_per_room_have_the_contracts_keys(
    as_, ada, ana, ben, room, other_room, met, now, today
):
    day = now.replace(hour=10, minute=0, second=0)
    ahead = 3 * 24 * 60
    missed, held = met(ana, ahead, 60), met(ben, ahead + 90, 30, attendees=[ana])
    for booking, hour in ((missed, 0), (held, 2)):
        start = day + timedelta(hours=hour)
        length = booking.ends_at - booking.starts_at
        Booking.objects.filter(pk=booking.pk).update(starts_at=start, ends_at=start + length)
    Booking.objects.filter(pk=missed.pk).update(no_show_at=Now() - timedelta(minutes=1))
    sweep(BOOKING.release, "release_no_shows")
    client = as_(ada)
    ghosting = client.get(f"{API}/ghosting?{today}").json()["data"]
    assert ghosting[0] == {
        "roomId": str(room.pk),
        "roomName": "Aquarium",
        "ghostingRate": 50.0,
        "totalNoShows": 1,
        "totalBookings": 2,
        "averageWastedMinutes": 60.0,
    }
    capacity = client.get(f"{API}/capacity?{today}").json()["data"]
    assert capacity[0] == {
        "roomId": str(room.pk),
        "roomName": "Aquarium",
        "roomCapacity": 8,
        "averageAttendees": 1.5,
        "capacityUtilization": 18.8,
        "oversizedBookings": 2,
        "undersizedBookings": 0,
    }
    used = client.get(f"{API}/utilization?{today}").json()["data"]
    assert set(used[0]) == {
        "roomId",
        "roomName",
        "utilizationRate",
        "totalBookings",
        "totalHoursBooked",
        "peakHours",
    }
    assert (used[0]["totalBookings"], used[0]["peakHours"]) == (2, ["10:00", "12:00"])
    south = client.get(f"{API}/utilization?{today}&building=south").json()["data"]
    assert [row["roomName"] for row in south] == ["Boardroom"]
