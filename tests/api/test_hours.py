"""Weeks and exceptions of venues and resources: whole bodies, what is refused, and whom a change
affects."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from api.models import Closure, Hours, HoursException, Resource, Review, Venue

pytestmark = pytest.mark.django_db
API = "/api/v1/"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
VENUE_HOURS, VENUE_EXCEPTIONS = f"{API}venues/club/hours/", f"{API}venues/club/exceptions/"
FAR = "2031-11-01"


def week(*texts: str) -> list[dict]:
    """Of "0 09:00-12:30"."""
    return [
        {"weekday": int(text[0]), "opens_at": text[2:7], "closes_at": text[8:]} for text in texts
    ]


def every_day(span: str, days=range(7)) -> list[dict]:
    return week(*(f"{n} {span}" for n in days))


LUNCH = [row for n in range(5) for row in week(f"{n} 09:00-12:30", f"{n} 13:30-18:00")]


@pytest.fixture
def staff(client_of, sam):
    return client_of(sam)


@pytest.fixture
def put(staff):
    def send(path, rows, status=200, **more):
        answer = staff.put(path, {"week": rows, **more})
        assert answer.status_code == status, answer.json()
        return answer.json()

    return send


@pytest.fixture
def own_hours(court):
    return f"{API}resources/{court.pk}/hours/"


@pytest.fixture
def own_exceptions(court):
    return f"{API}resources/{court.pk}/exceptions/"


@pytest.fixture
def codes(client_of, ana, court):
    """What POST answers to bookings at these hours after midnight of that date."""

    def ask(on: date, *spans: tuple[float, float]):
        midnight = datetime.combine(on, datetime.min.time(), UTC)
        for begins, ends in spans:
            times = [(midnight + n * HOUR).isoformat() for n in (begins, ends)]
            body = {"resource": court.pk, "starts_at": times[0], "ends_at": times[1]}
            answer = client_of(ana).post(f"{API}bookings/", body)
            yield "" if answer.status_code == 201 else answer.json()["code"]

    return lambda *args: list(ask(*args))


# weeks


def test_a_new_venue_is_open_always_and_what_is_read_can_be_put_back(client_of, venue, put):
    body = {"week": every_day("00:00-00:00"), "from": None, "upcoming": []}
    assert client_of().get(VENUE_HOURS).json() == body
    assert put(VENUE_HOURS, **{"rows": body["week"], "upcoming": [], "from": None}) == body | {
        "affected": []
    }
    assert client_of().get(VENUE_HOURS).json() == body
    assert client_of().get(f"{API}venues/club/").json()["opens_at"] == "00:00:00"


@pytest.mark.parametrize(
    ("rows", "uniform"),
    [
        (LUNCH, (None, None, None)),
        (every_day("09:00-18:00"), ("09:00:00", "18:00:00", [])),
        (every_day("09:00-18:00", range(5)), ("09:00:00", "18:00:00", [5, 6])),
        (every_day("20:00-02:00"), ("20:00:00", "02:00:00", [])),
        (week("0 09:00-18:00", "1 09:00-17:00"), (None, None, None)),
        ([], (None, None, None)),
    ],
)
def test_a_week_is_put_at_once_and_read_as_one_pair_of_times_where_it_is_uniform(
    client_of, venue, put, rows, uniform
):
    put(VENUE_HOURS, list(reversed(rows)))
    assert client_of().get(VENUE_HOURS).json()["week"] == rows
    shown = client_of().get(f"{API}venues/club/").json()
    assert (shown["opens_at"], shown["closes_at"], shown["closed_weekdays"]) == uniform
    assert client_of().get(f"{API}venues/").json()["results"][0]["opens_at"] == uniform[0]


def test_an_empty_week_is_closed_for_a_venue_and_the_venues_for_a_resource(
    client_of, venue, court, put, own_hours, soon, codes
):
    assert client_of().get(own_hours).json() == {"week": [], "from": None, "upcoming": []}
    put(own_hours, every_day("10:00-12:00"))
    assert client_of().get(f"{API}resources/{court.pk}/").json()["opens_at"] == "10:00:00"
    put(VENUE_HOURS, [])
    assert codes(soon.date(), (10, 11), (12, 13)) == ["", "outside_hours"]
    put(own_hours, [])
    assert codes(soon.date(), (11, 12)) == ["outside_hours"]
    put(VENUE_HOURS, every_day("11:00-12:00"))
    assert codes(soon.date(), (11, 12)) == [""]
    calendar = client_of().get(f"{API}resources/{court.pk}/").json()
    assert (calendar["opens_at"], calendar["closes_at"]) == (None, None)


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        (week("0 09:00-09:00"), "week.0"),
        (week("0 09:00-12:00", "0 11:00-13:00"), "week.1"),
        (week("0 22:00-03:00", "1 02:00-05:00"), "week.1"),
        (week("6 22:00-03:00", "0 02:00-05:00"), "week.1"),
        (week("0 00:00-00:00", "0 00:00-00:00"), "week.1"),
        (week("7 09:00-10:00"), "week.0.weekday"),
        (week("0 24:00-10:00"), "week.0.opens_at"),
        ([{"weekday": 0, "opens_at": "09:00"}], "week.0.closes_at"),
    ],
)
def test_rows_that_cannot_be_are_refused_and_change_nothing(venue, staff, rows, named):
    answer = staff.put(VENUE_HOURS, {"week": rows})
    assert answer.status_code == 400
    assert Hours.objects.count() == 0
    assert Venue.objects.get().opens_at is not None
    found = answer.json()["errors"]
    assert named in found or (named == "week.1" and "week.0" in found), found


def test_bookings_follow_the_rows(venue, put, codes, soon):
    on = soon.date()
    n = on.weekday()
    after = (n + 1) % 7
    put(VENUE_HOURS, week(f"{n} 09:00-12:00", f"{n} 13:00-00:00", f"{after} 00:00-02:00"))
    lunch, over_midnight = (11, 14), (23, 25)
    assert codes(on, (9, 12), lunch, over_midnight, (25, 27), (8, 9)) == [
        "", "outside_hours", "", "outside_hours", "outside_hours",
    ]  # fmt: skip


def test_a_later_week_replaces_the_first_from_its_date(client_of, venue, put, staff, codes, soon):
    later = str(soon.date() + DAY)
    put(VENUE_HOURS, every_day("09:00-12:00"))
    found = put(VENUE_HOURS, every_day("13:00-15:00"), **{"from": later})
    upcoming = [{"from": later, "week": every_day("13:00-15:00")}]
    assert found == {
        "week": every_day("09:00-12:00"), "from": None, "upcoming": upcoming, "affected": [],
    }  # fmt: skip
    assert codes(soon.date(), (9, 10), (13, 14)) == ["", "outside_hours"]
    assert codes(soon.date() + DAY, (9, 10), (13, 14)) == ["outside_hours", ""]
    # today's is another one, later ones stay
    assert put(VENUE_HOURS, every_day("08:00-12:00"))["upcoming"] == upcoming
    assert put(VENUE_HOURS, [], **{"from": FAR})["upcoming"][1] == {"from": FAR, "week": []}
    gone = staff.delete(f"{VENUE_HOURS}?from={later}")
    assert (gone.status_code, [row["code"] for row in gone.json()["affected"]]) == (
        200, ["outside_hours"],
    )  # fmt: skip
    assert staff.delete(f"{VENUE_HOURS}?from={later}").status_code == 404
    assert [each["from"] for each in client_of().get(VENUE_HOURS).json()["upcoming"]] == [FAR]


def test_a_week_from_today_is_the_one_that_the_old_fields_read_and_write(
    client_of, venue, put, staff, ada
):
    today = str(timezone.now().date())
    put(VENUE_HOURS, LUNCH, **{"from": today})
    put(VENUE_HOURS, every_day("09:00-12:00"))
    shown = client_of().get(VENUE_HOURS).json()
    assert (shown["from"], shown["week"]) == (today, every_day("09:00-12:00"))
    change = {"closes_at": "13:00", "closed_weekdays": [6]}
    changed = client_of(ada).patch(f"{API}venues/club/", change)
    assert changed.json()["closes_at"] == "13:00:00"
    shown = client_of().get(VENUE_HOURS).json()
    assert shown["week"] == every_day("09:00-13:00", range(6))
    staff.delete(f"{VENUE_HOURS}?from={today}")
    assert client_of().get(VENUE_HOURS).json()["week"] == every_day("00:00-00:00")


def test_the_old_fields_write_a_uniform_week_and_nulls_are_put_back(client_of, venue, put, ada):
    path, admin = f"{API}venues/club/", client_of(ada)
    put(VENUE_HOURS, LUNCH)
    nulls = dict.fromkeys(("opens_at", "closes_at", "closed_weekdays"))
    assert {name: client_of().get(path).json()[name] for name in nulls} == nulls
    assert admin.patch(path, nulls).status_code == 200
    assert client_of().get(VENUE_HOURS).json()["week"] == LUNCH
    assert admin.patch(path, {"opens_at": "08:00"}).status_code == 400
    assert admin.patch(path, {"opens_at": "08:00", "closes_at": "08:00"}).status_code == 400
    both = {"opens_at": "08:00", "closes_at": "20:00"}
    shown = admin.patch(path, both).json()
    assert (shown["opens_at"], shown["closed_weekdays"]) == ("08:00:00", [5, 6])
    assert client_of().get(VENUE_HOURS).json()["week"] == every_day("08:00-20:00", range(5))
    assert admin.patch(path, {"opens_at": None}).status_code == 400


def test_the_old_fields_of_a_resource(client_of, court, put, staff, own_hours):
    path = f"{API}resources/{court.pk}/"
    both = {"opens_at": "08:00", "closes_at": "20:00"}
    assert staff.patch(path, both).json()["opens_at"] == "08:00:00"
    assert client_of().get(own_hours).json()["week"] == every_day("08:00-20:00")
    put(own_hours, client_of().get(own_hours).json()["week"])
    assert staff.patch(path, {"name": "Court A", **both}).json()["closes_at"] == "20:00:00"
    put(own_hours, LUNCH)
    none = {"opens_at": None, "closes_at": None}
    assert {name: client_of().get(path).json()[name] for name in none} == none
    staff.patch(path, none)
    assert client_of().get(own_hours).json()["week"] == LUNCH
    staff.patch(path, both)
    assert client_of().get(own_hours).json()["week"] == every_day("08:00-20:00")
    staff.patch(path, none)
    assert client_of().get(own_hours).json()["week"] == []
    staff.patch(path, both)
    assert staff.delete(own_hours).json() == {"affected": []}
    assert client_of().get(own_hours).json()["week"] == []


def test_the_first_week_of_a_venue_can_only_be_replaced(venue, staff):
    assert staff.delete(VENUE_HOURS).status_code == 400


def test_a_change_answers_whom_it_affects_and_a_dry_run_changes_nothing(
    booked, ana, staff, put, court, own_hours, soon
):
    first, other = booked(ana), booked(ana, hours=3)
    rows = every_day("12:00-18:00")
    for path in (VENUE_HOURS, own_hours):
        dry = staff.put(f"{path}?dry_run=1", {"week": rows})
        assert [row["id"] for row in dry.json()["affected"]] == [first.pk]
        assert dry.json()["week"] == rows
        assert (Hours.objects.count(), Review.objects.count()) == (0, 0)
    found = put(own_hours, rows)["affected"]
    assert [(row["id"], row["code"]) for row in found] == [(first.pk, "outside_hours")]
    assert Review.objects.get(decided_at=None).booking_id == first.pk != other.pk
    assert staff.delete(own_hours).json() == {"affected": []}
    assert Review.objects.filter(decided_at=None).count() == 0


def test_hours_that_are_not_enforced_leave_exceptions_in_force(venue, put, staff, codes, soon):
    put(VENUE_HOURS, [])
    Venue.objects.update(hours_enforced=False)
    on = soon.date()
    body = {"first_on": str(on), "last_on": str(on), "hours": week("0 10:00-12:00")}
    for row in body["hours"]:
        del row["weekday"]
    assert staff.post(VENUE_EXCEPTIONS, body).status_code == 201
    after = {"first_on": str(on + DAY), "last_on": str(on + DAY)}
    assert staff.post(VENUE_EXCEPTIONS, after).status_code == 201
    assert codes(on, (10, 12), (12, 13), (24, 25)) == ["", "outside_hours", "closed"]
    assert codes(on + 2 * DAY, (3, 4)) == [""]


def test_hours_are_read_by_anyone_and_written_by_staff(client_of, ana, court, own_hours):
    for path in (VENUE_HOURS, own_hours):
        assert client_of().get(path).status_code == 200
        for method in ("put", "delete"):
            assert getattr(client_of(), method)(path, {"week": []}).status_code == 401
            assert getattr(client_of(ana), method)(path, {"week": []}).status_code == 403
    for path in ("venues/nowhere/hours/", "resources/999999/hours/"):
        assert client_of().get(f"{API}{path}").status_code == 404


# exceptions


def test_exceptions_are_made_changed_and_removed(client_of, venue, court, staff, own_exceptions):
    hours = [
        {"opens_at": "10:00", "closes_at": "12:00"},
        {"opens_at": "13:00", "closes_at": "00:00"},
    ]
    body = {"first_on": "2031-12-24", "last_on": "2031-12-26", "hours": hours, "reason": "Fair"}
    for path in (VENUE_EXCEPTIONS, own_exceptions):
        made = staff.post(path, body)
        pk = made.json()["id"]
        assert (made.status_code, made.json()) == (201, {"id": pk, **body, "affected": []})
        assert staff.get(path).json()["results"] == [{"id": pk, **body}]
        changed = staff.patch(f"{path}{pk}/", {"hours": [], "last_on": "2031-12-24"})
        after = {"id": pk, **body, "hours": [], "last_on": "2031-12-24"}
        assert changed.json() == after | {"affected": []}
        assert staff.get(f"{path}{pk}/").json() == after
        assert client_of().get(path).status_code == 401
    mine = HoursException.objects.get(resource=court)
    assert staff.get(f"{VENUE_EXCEPTIONS}{mine.pk}/").status_code == 404
    gone = staff.delete(f"{own_exceptions}{mine.pk}/")
    assert (gone.status_code, gone.json()) == (200, {"affected": []})


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"last_on": "2031-12-23"}, 400, "unfit"),
        ({"hours": [{"opens_at": "09:00", "closes_at": "09:00"}]}, 400, "unfit"),
        (
            {
                "hours": [
                    {"opens_at": "05:00", "closes_at": "09:00"},
                    {"opens_at": "22:00", "closes_at": "06:00"},
                ],
                "last_on": "2031-12-25",
            },
            400,
            "unfit",
        ),
        ({"hours": None}, 400, "invalid"),
        ({"first_on": "2031-12-20", "last_on": "2032-01-01"}, 409, "conflict"),
        ({"first_on": "2031-12-31", "last_on": "2031-12-31"}, 409, "conflict"),
    ],
)
def test_exceptions_that_cannot_be_are_refused(court, staff, own_exceptions, change, status, code):
    body = {"first_on": "2031-12-24", "last_on": "2031-12-24", "hours": [], "reason": ""}
    other = {"first_on": "2031-12-30", "last_on": "2031-12-31", "hours": []}
    for path in (VENUE_EXCEPTIONS, own_exceptions):
        assert staff.post(path, other).status_code == 201
        answer = staff.post(path, body | change)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        made = staff.post(path, body).json()
        answer = staff.patch(f"{path}{made['id']}/", body | change)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert HoursException.objects.count() == 4


def test_closures_are_the_exceptions_without_hours(venue, staff):
    closures = f"{API}venues/club/closures/"
    on = {"first_on": "2031-12-24", "last_on": "2031-12-26"}
    closed = staff.post(closures, on).json()["id"]
    assert staff.get(f"{VENUE_EXCEPTIONS}{closed}/").json()["hours"] == []
    assert staff.post(VENUE_EXCEPTIONS, on).status_code == 409
    hours = [{"opens_at": "10:00", "closes_at": "12:00"}]
    staff.patch(f"{VENUE_EXCEPTIONS}{closed}/", {"hours": hours})
    assert staff.get(closures).json()["results"] == []
    assert staff.get(f"{closures}{closed}/").status_code == 404
    assert Closure.objects.count() == 0
    assert staff.post(closures, on).status_code == 409


def test_what_decides_about_a_date(
    venue, court, staff, put, own_hours, own_exceptions, codes, soon
):
    on = soon.date()
    put(VENUE_HOURS, every_day("06:00-07:00"))
    put(own_hours, every_day("08:00-09:00"))
    assert codes(on, (6, 7), (8, 9)) == ["outside_hours", ""]
    body = {"first_on": str(on), "last_on": str(on)}
    hours = {"hours": [{"opens_at": "10:00", "closes_at": "11:00"}]}
    affected = staff.post(VENUE_EXCEPTIONS, body | hours).json()["affected"]
    assert [row["code"] for row in affected] == ["outside_hours"]
    assert codes(on, (10, 11)) == [""]
    affected = staff.post(own_exceptions, body | {"reason": "Floor"}).json()["affected"]
    assert [row["code"] for row in affected] == ["closed", "closed"]
    assert codes(on, (12, 13)) == ["closed"]


def test_public_holidays_are_closed_unless_an_exception_says_otherwise(
    client_of, ada, booked, ana, venue, court, staff, codes
):
    Venue.objects.update(max_advance=None)
    christmas = date(2031, 12, 25)
    when = datetime(2031, 12, 25, 9, tzinfo=UTC)
    path, admin = f"{API}venues/club/", client_of(ada)
    body = {
        "resource": court.pk,
        "starts_at": when.isoformat(),
        "ends_at": (when + HOUR).isoformat(),
    }
    booking = client_of(ana).post(f"{API}bookings/", body).json()["id"]
    changed = admin.patch(path, {"holidays": "DE-BY"}).json()
    assert changed["holidays"] == "DE-BY"
    assert [(row["id"], row["code"]) for row in changed["affected"]] == [(booking, "closed")]
    assert codes(christmas, (12, 13)) == ["closed"]
    day = client_of(ana).get(f"{path}calendar/?start=2031-12-25&end=2031-12-25").json()["days"][0]
    assert (day["closed"], day["closure"], day["hours"]) == (True, "Christmas Day", [])
    dates = {"first_on": str(christmas), "last_on": str(christmas)}
    hours = {"hours": [{"opens_at": "09:00", "closes_at": "12:00"}]}
    staff.post(VENUE_EXCEPTIONS, dates | hours)
    assert codes(christmas, (10, 11), (12, 13)) == ["", "outside_hours"]
    assert Review.objects.filter(decided_at=None).count() == 0
    for bad in ("XX", "DE-XX", "de", "Bavaria", ""):
        assert admin.patch(path, {"holidays": bad}).status_code == 400
    assert admin.patch(path, {"holidays": None}).json()["holidays"] is None


# what else reads hours


def test_availability_and_the_calendar_know_the_lunch_break(
    client_of, ana, venue, court, put, soon
):
    on = soon.date()
    spans = (f"{on.weekday()} 09:00-12:30", f"{on.weekday()} 13:30-18:00")
    put(VENUE_HOURS, week(*spans))
    path = f"{API}resources/{court.pk}/availability/?start={on}&end={on}"
    free = client_of().get(path).json()["free"]
    assert [(row["starts_at"][11:16], row["ends_at"][11:16]) for row in free] == [
        ("09:00", "12:30"), ("13:30", "18:00"),
    ]  # fmt: skip
    path = f"{API}venues/club/calendar/?start={on}&end={on}"
    day = client_of(ana).get(path).json()["days"][0]
    assert day["hours"] == [
        {"opens_at": "09:00:00", "closes_at": "12:30:00"},
        {"opens_at": "13:30:00", "closes_at": "18:00:00"},
    ]
    starts = [slot["starts_at"][11:16] for slot in day["slots"]]
    assert starts == ["09:00", "10:00", "11:00", "13:30", "14:30", "15:30", "16:30"]


def test_contracts_read_earliest_to_latest_and_write_a_whole_week(client_of, ada, put):
    from api.services.venues import venues

    rows = week("0 09:00-12:00", "0 13:00-18:00", "2 10:00-21:00")
    venues.get_contract_venue("primetime")
    put(f"{API}venues/primetime/hours/", rows)
    admin, path = client_of(ada, "primetime"), "/primetime/api/reservations/admin/settings/"
    shown = admin.get(path).json()
    assert (shown["business_start_time"], shown["business_end_time"]) == ("09:00:00", "21:00:00")
    admin.put(path, {"business_start_time": "08:00"})
    found = client_of().get(f"{API}venues/primetime/hours/").json()["week"]
    assert found == every_day("08:00-21:00", (0, 2))
    room = Resource.objects.create(
        venue=venues.get_contract_venue("paidrooms"), name="Studio", capacity=2
    )
    put(f"{API}resources/{room.pk}/hours/", rows)
    shown = client_of(None).get("/paidrooms/api/rooms/").json()["rooms"][0]
    assert (shown["opening_time"], shown["closing_time"]) == ("09:00:00", "21:00:00")
