"""A series as people book it: what comes of each occurrence, and a dry run that says so before."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.core import signing
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.models import Booking, Delivery, Resource, Series, Service, Venue
from api.models.services import Need, Pool, ServiceDuration
from api.services.accounts.consents import publish_text
from api.services.actors import Actor
from api.services.bookings.create import BookingRequest
from api.services.series.create import SeriesRequest, create_series

pytestmark = pytest.mark.django_db
HOUR, WEEK = timedelta(hours=1), timedelta(weeks=1)
URL = "/api/v1/series/"


@pytest.fixture
def post(client_of, ana, body):
    client = client_of(ana)

    def send(**more):
        headers = {"HTTP_IDEMPOTENCY_KEY": more.pop("key")} if "key" in more else {}
        return client.post(URL, body(**more), format="json", **headers)

    return send


def outcomes(answer):
    return [each["outcome"] for each in answer.json()["occurrences"]]


def starts(answer):
    return [each["starts_at"] for each in answer.json()["occurrences"]]


def say(at):
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def test_a_series_is_bookings_with_its_id_and_their_original_starts(post, client_of, ana, soon):
    answer = post()
    assert answer.status_code == 201
    pk = answer.json()["id"]
    rows = list(Booking.objects.filter(series=pk).order_by("starts_at"))
    assert [row.starts_at for row in rows] == [soon + n * WEEK for n in range(4)]
    assert [row.recurrence_id for row in rows] == [row.starts_at for row in rows]
    assert answer.json()["occurrences"] == [
        {
            "starts_at": say(row.starts_at),
            "ends_at": say(row.ends_at),
            "recurrence_id": say(row.starts_at),
            "outcome": "booked",
            "booking": row.pk,
            "status": "confirmed",
        }
        for row in rows
    ]
    client = client_of(ana)
    assert client.get(f"{URL}{pk}/").json() == answer.json()
    assert client.get(URL).json()["results"] == [answer.json()]
    shown = client.get(f"/api/v1/bookings/?series={pk}").json()["results"]
    assert [row["id"] for row in shown] == [row.pk for row in reversed(rows)]
    assert {row["series"] for row in shown} == {pk}
    assert shown[0]["recurrence_id"] == say(rows[-1].starts_at)
    assert client.get(f"/api/v1/bookings/?series={pk + 1}").json()["results"] == []


def test_others_do_not_see_it_and_staff_do(post, client_of, ben, sam):
    pk = post().json()["id"]
    assert client_of(ben).get(f"{URL}{pk}/").status_code == 404
    assert client_of(ben).get(URL).json()["results"] == []
    assert client_of(sam).get(f"{URL}{pk}/").status_code == 200


def test_refuse_books_all_or_nothing(post, booked, ben, soon):
    booked(ben, 7 * 24)
    answer = post()
    assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")
    assert outcomes(answer) == ["would_book", "taken", "would_book", "would_book"]
    taken = answer.json()["occurrences"][1]
    interval = {"starts_at": say(soon + WEEK), "ends_at": say(soon + WEEK + HOUR)}
    assert taken["conflicts"] == [interval | {"status": "confirmed"}]
    assert [each["starts_at"] for each in taken["alternatives"]] == [
        say(soon + WEEK + hours * HOUR) for hours in (-1, 1, -2)
    ]
    assert not Series.objects.exists()
    assert Booking.objects.count() == 1


def test_refuse_is_400_where_only_rules_refuse(post, venue, soon):
    client_hours = {"opens_at": "08:00", "closes_at": "17:00"}
    Venue.objects.filter(pk=venue.pk).update(**client_hours)
    late = soon + 9 * HOUR
    answer = post(starts_at=say(late), ends_at=say(late + HOUR))
    assert (answer.status_code, answer.json()["code"]) == (400, "outside_hours")
    assert outcomes(answer) == ["refused"] * 4
    assert answer.json()["occurrences"][0]["code"] == "outside_hours"


def test_skip_leaves_out_what_is_taken(post, booked, ben):
    booked(ben, 7 * 24)
    answer = post(on_conflict="skip")
    assert answer.status_code == 201
    assert outcomes(answer) == ["booked", "taken", "booked", "booked"]
    assert Booking.objects.filter(series=answer.json()["id"]).count() == 3


def test_nothing_left_is_409(post, booked, ben):
    for week in range(4):
        booked(ben, 7 * 24 * week)
    answer = post(on_conflict="skip")
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_book")
    assert outcomes(answer) == ["taken"] * 4
    assert not Series.objects.exists()


def test_nearest_moves_what_is_taken_the_earlier_on_a_tie(post, booked, ben, soon):
    booked(ben, 7 * 24)
    answer = post(on_conflict="nearest")
    assert outcomes(answer) == ["booked", "moved", "booked", "booked"]
    moved = answer.json()["occurrences"][1]
    assert moved["starts_at"] == say(soon + WEEK - HOUR)
    assert moved["recurrence_id"] == say(soon + WEEK)
    booking = Booking.objects.get(pk=moved["booking"])
    assert booking.starts_at == soon + WEEK - HOUR


def test_nearest_never_moves_onto_its_own(post, booked, ben, soon):
    """Daily, the whole day but an hour: nothing within a day is free but what is its own."""
    booked(ben, 24, length=23)
    answer = post(rule="FREQ=DAILY;COUNT=3", ends_at=say(soon + 23 * HOUR), on_conflict="nearest")
    assert outcomes(answer) == ["booked", "taken", "booked"]
    assert "alternatives" not in answer.json()["occurrences"][1]


def test_nearest_does_not_move_what_rules_refuse(post, venue, client_of, sam, soon):
    closed = {"first_on": f"{soon + WEEK:%Y-%m-%d}", "last_on": f"{soon + WEEK:%Y-%m-%d}"}
    made = client_of(sam).post(
        f"/api/v1/venues/{venue.slug}/exceptions/", closed | {"hours": []}, format="json"
    )
    assert made.status_code == 201
    answer = post(on_conflict="nearest")
    assert outcomes(answer) == ["booked", "refused", "booked", "booked"]
    assert answer.json()["occurrences"][1]["code"] == "closed"


def test_what_is_beyond_the_advance_limit_comes_later(post, venue):
    answer = post(rule="FREQ=WEEKLY;COUNT=10")
    assert answer.status_code == 201
    assert outcomes(answer) == ["booked"] * 9 + ["later"]
    series = Series.objects.get()
    assert series.later_from is not None
    assert series.extends_at is not None


def test_a_later_one_never_makes_refuse_fail(post, soon):
    late = soon + 100 * timedelta(days=1)
    answer = post(starts_at=say(late), ends_at=say(late + HOUR))
    assert answer.status_code == 201
    assert outcomes(answer) == ["later"] * 4
    assert not Booking.objects.exists()


def test_without_an_end_only_where_there_is_an_advance_limit(post, venue):
    answer = post(rule="FREQ=WEEKLY")
    assert answer.status_code == 201
    assert outcomes(answer)[:10] == ["booked"] * 9 + ["later"]
    Booking.objects.all().delete()
    Venue.objects.filter(pk=venue.pk).update(max_advance=None)
    answer = post(rule="FREQ=WEEKLY")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["rule"])


@pytest.mark.parametrize(
    "more",
    [
        {"rule": "FREQ=HOURLY;COUNT=3"},
        {"rule": "FREQ=DAILY;COUNT=367"},
        {"rule": "FREQ=YEARLY;COUNT=7"},
        {"rule": "FREQ=WEEKLY;COUNT=3;UNTIL=20300101"},
        {"rule": ""},
        {"rule": None},
        {"rule": "FREQ=WEEKLY;COUNT=3;COUNT=4"},
        {"exdates": ["soon"]},
        {"rdates": ["2020-01-01"]},
        {"rdates": ["9999-12-31T23:59:59Z"]},
        {"exdates": [3]},
        {"on_conflict": "maybe"},
        {"resource": 10**9},
        {"token": "x"},
        {"guests": 0},
        {"owner": 1},
        {"times": 3},
    ],
)
def test_what_the_body_gets_wrong_is_400(post, more):
    assert post(**more).status_code == 400
    assert not Series.objects.exists()


def test_one_that_overlaps_itself_is_400(post, soon, court):
    answer = post(rule="FREQ=DAILY;COUNT=2", ends_at=say(soon + 25 * HOUR))
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["rule"])
    Resource.objects.filter(pk=court.pk).update(buffer_after=timedelta(minutes=30))
    answer = post(rule="FREQ=DAILY;COUNT=2", ends_at=say(soon + 24 * HOUR))
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["rule"])


def test_an_exdate_counts_toward_count_and_an_rdate_comes_besides(post, soon):
    answer = post(
        exdates=[say(soon + WEEK), f"{soon + 2 * WEEK:%Y-%m-%d}"],
        rdates=[f"{soon + 2 * timedelta(days=1):%Y-%m-%d}"],
    )
    assert starts(answer) == [say(soon + days * timedelta(days=1)) for days in (0, 2, 21)]


def test_a_dry_run_says_what_is_then_done(post, booked, ben):
    booked(ben, 7 * 24)
    dry = post(dry_run=True, on_conflict="nearest")
    assert dry.status_code == 200
    assert dry.json()["id"] is None
    assert outcomes(dry) == ["would_book", "moved", "would_book", "would_book"]
    assert not Series.objects.exists()
    done = post(token=dry.json()["token"], on_conflict="nearest")
    assert done.status_code == 201
    assert starts(done) == starts(dry)
    assert outcomes(done) == ["booked", "moved", "booked", "booked"]


def test_a_dry_run_never_fails_for_what_is_taken(post, booked, ben):
    booked(ben, 7 * 24)
    dry = post(dry_run=True)
    assert (dry.status_code, outcomes(dry)[1]) == (200, "taken")
    assert post(token=dry.json()["token"]).status_code == 409


def test_what_differs_by_then_is_said_and_nothing_booked(post, booked, ben):
    token = post(dry_run=True, on_conflict="skip").json()["token"]
    booked(ben, 7 * 24)
    answer = post(token=token, on_conflict="skip")
    assert (answer.status_code, answer.json()["code"]) == (409, "dry_run_outdated")
    assert outcomes(answer) == ["would_book", "taken", "would_book", "would_book"]
    assert not Series.objects.exists()


def test_a_token_is_for_the_same_body_and_person_and_once(post, client_of, ben, body, monkeypatch):
    token = post(dry_run=True).json()["token"]
    assert post(token=token, title="Other").status_code == 400
    assert client_of(ben).post(URL, body(token=token), format="json").status_code == 400
    assert post(token=token).status_code == 201
    Booking.objects.all().delete()
    assert post(token=token).status_code == 400
    assert post(token=token, dry_run=True).status_code == 400


def test_a_token_lasts_fifteen_minutes(post, monkeypatch):
    token = post(dry_run=True).json()["token"]
    real = signing.time.time
    monkeypatch.setattr(signing.time, "time", lambda: real() + 15 * 60 + 1)
    assert post(token=token).status_code == 400


def test_an_idempotency_key_answers_the_same_again(post):
    first, second = post(key="k1"), post(key="k1")
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert Series.objects.count() == 1
    assert post(key="k1", title="Other").status_code == 422


def test_approval_and_price_are_of_each_and_the_deadline_of_all(post, court, venue, soon):
    Resource.objects.filter(pk=court.pk).update(price_minor=500)
    Venue.objects.filter(pk=venue.pk).update(approval="primetime", currency="eur")
    venue.primetime.create(weekday=soon.weekday(), starts_at="00:00", ends_at="00:00")
    answer = post(rdates=[f"{soon + timedelta(days=1):%Y-%m-%d}"])
    assert [each["status"] for each in answer.json()["occurrences"]] == [
        "pending", "held", "pending", "pending", "pending"
    ]  # fmt: skip
    Booking.objects.all().delete()
    Venue.objects.filter(pk=venue.pk).update(approval="never")
    post()
    rows = Booking.objects.filter(status="held")
    assert [row.price_minor for row in rows] == [500] * 4
    assert len({row.hold_expires_at for row in rows}) == 1


def test_what_is_over_the_limit_of_holds_is_refused(post, court, venue):
    Resource.objects.filter(pk=court.pk).update(price_minor=500)
    Venue.objects.filter(pk=venue.pk).update(max_open_holds=2)
    answer = post()
    assert (answer.status_code, answer.json()["code"]) == (400, "too_many_holds")
    answer = post(on_conflict="skip")
    assert outcomes(answer) == ["booked", "booked", "refused", "refused"]
    assert answer.json()["occurrences"][2]["code"] == "too_many_holds"


def test_one_letter_a_request(post, ana, venue):
    Venue.objects.filter(pk=venue.pk).update(approval="always", admin_email="desk@example.com")
    post()
    letters = Delivery.objects.order_by("pk").values_list("name", "to")
    assert list(letters) == [
        ("series_asked", "ana@example.com"),
        ("series_waiting", "desk@example.com"),
    ]


def test_several_resources_are_booked_together(post, court, venue, booked, ben):
    other = Resource.objects.create(venue=venue, name="Court 2", capacity=4)
    booked(ben, 7 * 24, place=other)
    assert post(resources=[court.pk]).status_code == 400
    places = [other.pk, court.pk]
    answer = post(without=["resource"], resources=places, on_conflict="skip")
    assert outcomes(answer) == ["booked", "taken", "booked", "booked"]
    booking = Booking.objects.filter(series=answer.json()["id"]).first()
    assert booking.resource_id == other.pk
    assert booking.allocations.count() == 2


def test_units_of_a_resource(post, court, booked, ben):
    Resource.objects.filter(pk=court.pk).update(units=3)
    court.refresh_from_db()
    booked(ben, 7 * 24, quantity=2)
    answer = post(quantity=2, on_conflict="skip")
    assert outcomes(answer) == ["booked", "taken", "booked", "booked"]
    assert {row.allocations.count() for row in Booking.objects.all()} == {2}
    assert post(quantity=4).status_code == 400


def test_a_service_chooses_resources_for_each(post, venue, court, booked, ben):
    pool = Pool.objects.create(venue=venue, name="Courts")
    other = Resource.objects.create(venue=venue, name="Court 2", capacity=4)
    pool.resources.set([court, other])
    service = Service.objects.create(venue=venue, name="Lesson")
    ServiceDuration.objects.create(service=service, duration=HOUR, price_minor=0)
    Need.objects.create(service=service, pool=pool)
    booked(ben, 7 * 24, place=court)
    answer = post(without=["resource", "ends_at"], service=service.pk)
    assert answer.status_code == 201
    for wrong in ({"prefer": [10**9]}, {"quantity": 9}, {"duration": "00:10:00"}):
        sent = {"service": service.pk, "on_conflict": "skip", **wrong}
        assert post(without=["resource", "ends_at"], **sent).status_code == 400
    rows = Booking.objects.filter(series=answer.json()["id"]).order_by("starts_at")
    assert [row.resource_id for row in rows[:2]] == [court.pk, other.pk]
    assert {row.service_id for row in rows} == {service.pk}


def test_what_the_clock_should_have_ended_is_no_obstacle(post, booked, ben, court, venue):
    Resource.objects.filter(pk=court.pk).update(price_minor=500)
    held = booked(ben, 7 * 24)
    Booking.objects.filter(pk=held.pk).update(hold_expires_at="2020-01-01T00:00:00Z")
    answer = post()
    assert answer.status_code == 201
    held.refresh_from_db()
    assert held.status == "expired"


def test_a_text_to_agree_to_is_asked_for_once(post, venue, client_of, ana):
    text = publish_text(venue, "Be kind.")
    answer = post()
    assert (answer.status_code, answer.json()["code"]) == (400, "consent_required")
    assert post(dry_run=True).status_code == 200
    assert post(consent=text.pk).status_code == 201


def test_52_occurrences_are_five_statements(ana, body, venue):
    Venue.objects.filter(pk=venue.pk).update(max_advance=None)
    sent = body()
    first = BookingRequest(
        owner=ana,
        resource=sent["resource"],
        starts_at=datetime.fromisoformat(sent["starts_at"]),
        ends_at=datetime.fromisoformat(sent["ends_at"]),
    )

    def create(**more):
        request = SeriesRequest(first, "FREQ=WEEKLY;COUNT=52", **more)
        return create_series(request, Actor.for_new_booking(ana))

    create()
    Booking.objects.all().delete()
    with CaptureQueriesContext(connection) as queries:
        result = create()
    assert len(result.outcomes) == 52
    said = [q["sql"] for q in queries if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    assert len(said) <= 5, said
