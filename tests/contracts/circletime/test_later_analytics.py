"""The later reports of docs/contracts/circletime.md, in exact numbers."""

from datetime import date, time, timedelta

import pytest

from api.models import Closure, Resource
from api.models.users import User
from tests.support.past_bookings import MINUTE, at, meeting

pytestmark = pytest.mark.django_db
API = "/circletime/api/analytics"
PATHS = (
    *("heatmap", "rooms/compare", "trends?metric=bookings", "ghosting/departments"),
    "export?format=csv",
)
MONDAY = date(2024, 1, 15)
TUESDAY, SUNDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=6)
WEEK = f"startDate={MONDAY}&endDate={SUNDAY}"
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@pytest.fixture
def circle(circle):
    """In Berlin, open from seven to seven on weekdays."""
    circle.time_zone, circle.closed_weekdays = "Europe/Berlin", [5, 6]
    circle.save()
    return circle


@pytest.fixture
def used(room, other_room, ana, ben):
    """Two meetings and a no-show in the one room, an early meeting and a cancelled one in the
    other."""
    User.objects.filter(pk=ana.pk).update(department=" Sales ")
    meeting(room, ana, at(room, MONDAY, "09:00"), 60)
    meeting(room, ben, at(room, MONDAY, "09:30") + timedelta(hours=1), 90)
    missed = at(room, TUESDAY, "18:30")
    meeting(room, ana, missed, 30, "no_show", no_show_at=missed + 15 * MINUTE)
    meeting(other_room, ben, at(room, TUESDAY, "06:15"), 120)
    meeting(other_room, ben, at(room, TUESDAY, "12:00"), 120, "cancelled")


def join(path, query):
    return f"{API}/{path}{'&' if '?' in path else '?'}{query}"


def ask(client, path, query=WEEK):
    answer = client.get(join(path, query))
    assert (answer.status_code, answer.json()["success"]) == (200, True)
    return answer.json()["data"]


@pytest.mark.parametrize("path", PATHS)
def test_admins_read_them(as_, ana, sam, ada, room, path):
    asked = [(user, as_(user).get(join(path, WEEK)).status_code) for user in (None, ana, sam, ada)]
    assert asked == [(None, 401), (ana, 403), (sam, 200), (ada, 200)]


@pytest.mark.parametrize("path", (*PATHS, "kpi", "utilization", "ghosting", "capacity"))
def test_both_dates_are_required_and_lie_at_most_a_year_apart(as_, ada, room, path):
    client = as_(ada)
    missing = client.get(join(path, "startDate=2024-01-01"))
    assert (missing.status_code, missing.json()) == (
        400,
        {
            "success": False,
            "message": "start_date and end_date query parameters are required",
            "code": "validation_error",
        },
    )
    for end, status in (("2025-01-01", 200), ("2025-01-02", 400), ("2190-01-01", 400)):
        answer = client.get(join(path, f"startDate=2024-01-01&endDate={end}"))
        assert answer.status_code == status
    assert answer.json()["errors"] == ["end_date: At most a year after start_date."]


def test_the_heatmap_counts_the_starts_of_every_open_hour(as_, ada, used):
    found = ask(as_(ada), "heatmap")
    counts = {("Monday", 9): 1, ("Monday", 10): 1, ("Tuesday", 18): 1, ("Tuesday", 6): 1}
    cells = [(day, hour) for day in DAYS[:5] for hour in range(7, 19)] + [("Tuesday", 6)]
    cells.sort(key=lambda cell: (DAYS.index(cell[0]), cell[1]))
    assert found == [
        {"day": day, "hour": hour, "value": counts.get((day, hour), 0)} for day, hour in cells
    ]


def test_the_hours_of_a_heatmap_are_those_of_a_plain_week(as_, ada, room, other_room, circle):
    """Whatever the range is: neither closures nor a change of clocks take an hour out. A room with
    hours of its own adds them."""
    Closure.objects.create(venue=circle, first_on="2024-03-01", last_on="2024-04-30")
    Resource.objects.filter(pk=other_room.pk).update(opens_at=time(1), closes_at=time(4))
    circle.closed_weekdays = []
    circle.save()
    found = ask(as_(ada), "heatmap", "startDate=2024-03-31&endDate=2024-03-31")
    hours = [1, 2, 3, *range(7, 19)]
    assert found == [{"day": day, "hour": hour, "value": 0} for day in DAYS for hour in hours]


def test_rooms_are_compared_by_the_percentages_of_the_reports(as_, ada, used, room, other_room):
    client = as_(ada)
    both = [
        {
            "roomId": str(room.pk),
            "roomName": "Aquarium",
            "utilization": 4.6,  # 2.75 of 60 hours
            "ghosting": 33.3,
            "capacity": 12.5,
            "bookings": 3,
        },
        {
            "roomId": str(other_room.pk),
            "roomName": "Boardroom",
            "utilization": 2.1,  # 1.25 of 60 hours
            "ghosting": 0.0,
            "capacity": 5.0,
            "bookings": 1,
        },
    ]
    assert ask(client, "rooms/compare") == both
    assert ask(client, "rooms/compare?roomIds=") == both
    mine, theirs = room.pk, other_room.pk
    assert ask(client, f"rooms/compare?roomIds={theirs},{mine}") == both
    assert ask(client, f"rooms/compare?roomIds={theirs},999999,x, {2**70}") == both[1:]
    assert ask(client, "rooms/compare?roomIds=x,999999") == []
    assert ask(client, "rooms/compare?roomIds=x") == []
    for report, key in (
        ("utilization", "utilizationRate"),
        ("ghosting", "ghostingRate"),
        ("capacity", "capacityUtilization"),
    ):
        assert [row[report] for row in both] == [row[key] for row in ask(client, report)]


def test_a_room_of_another_venue_is_no_room_here(as_, ada, room, court):
    assert ask(as_(ada), f"rooms/compare?roomIds={court.pk}") == []


@pytest.mark.parametrize(
    ("metric", "monday", "tuesday"),
    [
        ("bookings", 2, 2),
        ("ghosting", 0.0, 50.0),
        ("utilization", 10.4, 6.2),  # 2.5 and 1.5 of 24 hours
    ],
)
def test_a_trend_has_a_row_a_day(as_, ada, used, metric, monday, tuesday):
    dates = [MONDAY + timedelta(days=n) for n in range(7)]
    values = [monday, tuesday, 0, 0, 0, 0, 0]
    assert ask(as_(ada), f"trends?metric={metric}") == [
        {"date": f"{on}", "value": value} for on, value in zip(dates, values, strict=True)
    ]


@pytest.mark.parametrize("query", ["", "metric=", "metric=capacity"])
def test_a_trend_is_of_a_known_metric(as_, ada, room, query):
    answer = as_(ada).get(f"{API}/trends?{query}&{WEEK}")
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
    assert answer.json()["errors"][0].startswith("metric: ")


def test_no_shows_are_told_by_the_organizers_department(as_, ada, used):
    assert ask(as_(ada), "ghosting/departments") == [
        {"name": "Sales", "rate": 50.0, "totalBookings": 2, "noShows": 1},
        {"name": "Unknown", "rate": 0.0, "totalBookings": 2, "noShows": 0},
    ]
    assert ask(as_(ada), "ghosting/departments", "startDate=2023-01-01&endDate=2023-01-02") == []


def test_the_export_opens_in_a_spreadsheet(as_, ada, ana, used, room):
    row = meeting(room, ana, at(room, SUNDAY, "23:30"), 60, title="=1+1 Ünïcødé, 会議")
    answer = as_(ada).get(f"{API}/export?format=csv&{WEEK}")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == (
        'attachment; filename="bookings-2024-01-15-2024-01-21.csv"'
    )
    assert answer.content.startswith(b"\xef\xbb\xbf")
    lines = answer.content.decode("utf-8-sig").splitlines()
    heading = "Booking ID,Room,Title,Organizer,Start,End,Status,Checked In"
    assert (lines[0], len(lines)) == (heading, 6)
    assert [line.split(",")[-2] for line in lines[1:]] == [
        *("completed", "completed", "completed", "no_show", "completed"),
    ]
    assert lines[-1] == (
        f'{row.pk},Aquarium,"\'=1+1 Ünïcødé, 会議",Ana Example,'
        "2024-01-21T22:30:00Z,2024-01-21T23:30:00Z,completed,No"
    )


def test_only_csv_is_exported(as_, ada, room):
    assert as_(ada).get(f"{API}/export?{WEEK}").status_code == 200
    answer = as_(ada).get(f"{API}/export?format=pdf&{WEEK}")
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
