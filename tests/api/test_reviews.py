"""What a change of a rule answers, `?dry_run=1`, and the list of reviews: whole bodies."""

from datetime import UTC, timedelta

import pytest

from api.models import Booking, Closure, Delivery, Resource, Review, Venue

pytestmark = pytest.mark.django_db
API = "/api/v1/"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
KEY = {"Idempotency-Key": "a-key"}


def utc(moment):
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def affected(booking, code):
    times = {"starts_at": utc(booking.starts_at), "ends_at": utc(booking.ends_at)}
    return {"id": booking.pk, **times, "code": code}


def stored():
    """All that a dry run must leave alone."""
    models = (Venue, Resource, Closure, Booking, Review, Delivery)
    return [list(model.objects.order_by("pk").values()) for model in models]


@pytest.fixture
def listed(client_of, sam):
    def read(query=""):
        return client_of(sam).get(f"{API}reviews/{query}").json()["results"]

    return read


def test_a_closure_answers_whom_it_affects_and_a_dry_run_changes_nothing(
    client_of, booked, ana, sam, soon, listed
):
    booking, path = booked(ana), f"{API}venues/club/closures/"
    body = {"first_on": str(soon.date()), "last_on": str(soon.date()), "reason": "Storm"}
    row = affected(booking, "closed")
    before = stored()
    dry = client_of(sam).post(f"{path}?dry_run=1", body)
    assert (dry.status_code, dry.json()) == (200, {"id": None, **body, "affected": [row]})
    assert stored() == before
    made = client_of(sam).post(path, body)
    closure = Closure.objects.get()
    assert (made.status_code, made.json()) == (
        201, {"id": closure.pk, **body, "affected": [row]},
    )  # fmt: skip
    review = Review.objects.get()
    assert listed() == [
        {
            "id": review.pk,
            "booking": booking.pk,
            "rule": {"code": "closed", "detail": "Closed on that day: Storm"},
            "created_at": utc(review.created_at),
        }
    ]
    away = {"first_on": "2031-01-01", "last_on": "2031-01-01"}
    changed = client_of(sam).patch(f"{path}{closure.pk}/?dry_run=true", away)
    assert changed.json() == {"id": closure.pk, **body, **away, "affected": []}
    before = stored()
    gone = client_of(sam).delete(f"{path}{closure.pk}/?dry_run=1")
    assert (gone.status_code, gone.json()) == (200, {"affected": []})
    assert stored() == before
    gone = client_of(sam).delete(f"{path}{closure.pk}/")
    assert (gone.status_code, gone.json()) == (200, {"affected": []})
    assert listed() == []


@pytest.mark.parametrize(
    ("path", "change", "code"),
    [
        ("venues/club/", {"time_zone": "Asia/Tokyo"}, "time_zone_changed"),
        ("venues/club/", {"opens_at": "10:00", "closes_at": "00:00"}, "outside_hours"),
        ("resources/{}/", {"capacity": 3}, "over_capacity"),
        ("resources/{}/", {"maintenance": True}, "resource_unavailable"),
    ],
)
def test_a_patch_answers_whom_it_affects(
    client_of, booked, ana, ada, court, path, change, code, listed
):
    booking, path = booked(ana, guests=4), API + path.format(court.pk)
    before = stored()
    dry = client_of(ada).patch(f"{path}?dry_run=1", change).json()
    assert dry["affected"] == [affected(booking, code)]
    assert stored() == before
    done = client_of(ada).patch(path, change).json()
    assert done["affected"] == [affected(booking, code)]
    assert {**done, "updated_at": 0} == {**dry, "updated_at": 0}
    assert [(row["booking"], row["rule"]["code"]) for row in listed()] == [(booking.pk, code)]
    assert client_of(ada).patch(path, change).json()["affected"] == []
    assert "affected" not in client_of(ada).get(path).json()


def test_a_retired_resource_answers_whom_it_affects(client_of, booked, ana, sam, court, listed):
    booking, path = booked(ana), f"{API}resources/{court.pk}/"
    row = affected(booking, "resource_unavailable")
    for query, left in (("?dry_run=1", 0), ("", 1)):
        answer = client_of(sam).delete(path + query)
        assert (answer.status_code, answer.json()) == (200, {"affected": [row]})
        assert len(listed()) == left


def test_what_is_added_affects_nobody_and_can_be_tried(client_of, ada, venue):
    new = {"slug": "new", "name": "New"}
    answer = client_of(ada).post(f"{API}venues/?dry_run=1", new)
    assert (answer.status_code, answer.json()["affected"]) == (200, [])
    room = {"venue": "club", "name": "Room"}
    answer = client_of(ada).post(f"{API}resources/?dry_run=1", room)
    assert (answer.status_code, answer.json()["id"], answer.json()["affected"]) == (200, None, [])
    assert (Venue.objects.count(), Resource.objects.count()) == (1, 0)
    refused = client_of(ada).post(f"{API}resources/?dry_run=perhaps", room)
    assert (refused.status_code, set(refused.json()["errors"])) == (400, {"dry_run"})


def test_a_key_answers_the_same_and_a_dry_run_is_another_request(
    client_of, booked, ana, sam, court
):
    booked(ana)
    path = f"{API}resources/{court.pk}/"
    first, again = (client_of(sam).delete(path, headers=KEY) for _ in range(2))
    assert (first.json(), first.status_code) == (again.json(), again.status_code)
    assert client_of(sam).delete(f"{path}?dry_run=1", headers=KEY).status_code == 422


@pytest.fixture
def under_review(client_of, booked, ana, sam, soon):
    """The path of the review of a booking of ana's in a closure."""
    booked(ana)
    day = str(soon.date())
    client_of(sam).post(f"{API}venues/club/closures/", {"first_on": day, "last_on": day})
    return f"{API}reviews/{Review.objects.get().pk}/"


@pytest.mark.parametrize("decision", ["keep", "move", "cancel"])
def test_staff_decide_once(client_of, under_review, sam, soon, listed, decision):
    [row] = listed()
    times = {"starts_at": utc(soon + DAY), "ends_at": utc(soon + DAY + HOUR)}
    body = {"reason": "Storm"} | (times if decision == "move" else {})
    answer = client_of(sam).post(f"{under_review}{decision}/", body)
    assert (answer.status_code, answer.json()) == (200, row)
    assert listed() == []
    for again in ("keep", "move", "cancel"):
        refused = client_of(sam).post(
            f"{under_review}{again}/", {"reason": "x"} | (times if again == "move" else {})
        )
        assert (refused.status_code, refused.json()["code"]) == (409, "already_done")
    status = client_of(sam).get(f"{API}bookings/{row['booking']}/").json()["status"]
    assert status == ("cancelled" if decision == "cancel" else "confirmed")


def test_a_decision_has_its_reason_and_its_review(client_of, under_review, sam, soon):
    client = client_of(sam)
    for decision in ("keep", "cancel", "move"):
        path = f"{under_review}{decision}/"
        for body in ({}, {"reason": " "}):
            refused = client.post(path, body)
            assert (refused.status_code, "reason" in refused.json()["errors"]) == (400, True)
        assert client.post(f"{API}reviews/999999/{decision}/", {}).status_code == 404
    times = {"starts_at": utc(soon + HOUR), "ends_at": utc(soon + 2 * HOUR), "reason": "x"}
    refused = client.post(f"{under_review}move/", times)
    assert (refused.status_code, refused.json()["code"]) == (400, "closed")
    assert Review.objects.get().decided_at is None


def test_a_booking_can_move_to_another_resource(client_of, under_review, sam, soon):
    Closure.objects.all().delete()
    place = Resource.objects.create(venue=Venue.objects.get(), name="Court 2")
    times = {"starts_at": utc(soon), "ends_at": utc(soon + HOUR)}
    body = times | {"resource": place.pk, "reason": "The roof leaks"}
    assert client_of(sam).post(f"{under_review}move/", body).status_code == 200
    assert Booking.objects.get().resource == place


def test_reviews_are_for_staff_and_filtered_by_venue(client_of, under_review, ana, sam, listed):
    assert client_of().get(f"{API}reviews/").status_code == 401
    assert client_of(ana).get(f"{API}reviews/").status_code == 403
    assert client_of(ana).post(f"{under_review}keep/", {"reason": "x"}).status_code == 403
    assert len(listed("?venue=club")) == 1
    assert listed("?venue=other") == []
