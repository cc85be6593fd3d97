"""Chapter "Reservations" of the README: list, create, change and delete."""

from datetime import datetime, timedelta

import pytest
from django.db.models.functions import Now

from api.models import Booking, Delivery, Payment, Venue
from api.services.messages import outbox

from .conftest import API, local

pytestmark = pytest.mark.django_db

PAST = "Start time must be in the future."
ABSURD = "That is not a time anyone can book."
TAKEN = {"start_time": ["This time overlaps an existing booking. Choose another time."]}


def test_a_reservation_waits_for_the_shop(at_shop, ana, times):
    body = times() | {"notes": "Short at the sides", "status": "pending"}
    answer = at_shop(ana).post(f"{API}/reservations/", body)
    booking = Booking.objects.get()
    assert answer.status_code == 201
    assert answer.json() == times() | {
        "id": booking.pk,
        "customer": ana.pk,
        "customer_details": {
            "id": ana.pk,
            "username": "ana@example.com",
            "email": "ana@example.com",
            "first_name": "Ana",
            "last_name": "Example",
            "phone": "",
            "is_admin": False,
            "is_staff_member": False,
            "is_active": True,
        },
        "customer_name": "Ana Example",
        "status": "pending",
        "notes": "Short at the sides",
        "created_at": local(booking.created_at),
    }
    assert (booking.status, booking.contract) == ("pending", "barbershop")
    assert booking.resource.name == "Chair 1"


def test_customers_cannot_confirm_what_they_make(at_shop, ana, times):
    for hours, status in enumerate(["confirmed", "completed", "canceled"]):
        answer = at_shop(ana).post(f"{API}/reservations/", times(hours) | {"status": status})
        assert (answer.status_code, answer.json()["status"]) == (201, "pending")


def test_the_shop_confirms_at_once_what_it_makes(at_shop, sam, times):
    answer = at_shop(sam).post(f"{API}/reservations/", times() | {"status": "confirmed"})
    assert (answer.status_code, answer.json()["status"]) == (201, "confirmed")
    answer = at_shop(sam).post(f"{API}/reservations/", times(2) | {"status": "completed"})
    assert (answer.status_code, list(answer.json())) == (400, ["status"])
    assert Booking.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"start_time": None}, {"start_time": ["This field may not be null."]}),
        ({"status": "x"}, {"status": ['"x" is not a valid choice.']}),
        ({"chair": 10**9}, {"chair": ["There is no such chair."]}),
        ({"start_time": "9999-12-31T23:59:59Z"}, None),
        ({"start_time": "0001-01-01T00:00:00"}, None),
        ({"start_time": "0001-01-01T00:00:00+14:00"}, None),
        ({"start_time": "tomorrow"}, None),
        ({"start_time": 5}, None),
        ({"end_time": ["2030-01-01T00:00:00Z"]}, None),
        ({"end_time": {}}, None),
        ({"end_time": "9999-12-31T23:59:59"}, None),
        ({"notes": "a\0b"}, {"notes": ["Null characters are not allowed."]}),
        ({"notes": [1]}, {"notes": ["Not a valid string."]}),
        ({"chair": 10**40}, None),
    ],
)
def test_bad_reservations_are_refused(at_shop, ana, times, change, refusal):
    answer = at_shop(ana).post(f"{API}/reservations/", times() | change)
    assert answer.status_code == 400
    assert refusal is None or answer.json() == refusal
    assert Booking.objects.count() == 0


def test_what_is_missing_is_named(at_shop, ana):
    required = ["This field is required."]
    answer = at_shop(ana).post(f"{API}/reservations/", {})
    assert answer.json() == {"start_time": required, "end_time": required}


def test_the_end_comes_after_the_start(at_shop, ana, times):
    body = times() | {"end_time": times()["start_time"]}
    answer = at_shop(ana).post(f"{API}/reservations/", body)
    assert answer.status_code == 400
    assert answer.json() == {"non_field_errors": ["End time must be after start time"]}


def test_the_start_lies_ahead(at_shop, ana, times):
    for days, words in ((40, PAST), (5000, PAST), (-90_000, ABSURD)):
        answer = at_shop(ana).post(f"{API}/reservations/", times(-24 * days))
        assert (answer.status_code, answer.json()) == (400, {"start_time": [words]})


def test_a_time_without_an_offset_is_the_shops(at_shop, ana, soon):
    year = soon.year + 1
    body = {"start_time": f"{year}-07-01T10:00:00", "end_time": f"{year}-07-01T10:30:00"}
    answer = at_shop(ana).post(f"{API}/reservations/", body)
    assert answer.status_code == 201, answer.json()
    assert answer.json()["start_time"] == f"{year}-07-01T10:00:00+02:00"


@pytest.mark.parametrize(
    ("zone", "month", "offset"),
    [
        ("Europe/Berlin", 1, "+01:00"),
        ("Europe/Berlin", 7, "+02:00"),
        ("America/New_York", 1, "-05:00"),
        ("Asia/Kathmandu", 7, "+05:45"),
        ("Europe/London", 1, "Z"),
    ],
)
def test_every_answer_is_in_the_shops_offset(at_shop, shop, ana, sam, soon, zone, month, offset):
    """Pages cut date and time of day out of the text, at midnight too."""
    Venue.objects.filter(pk=shop.pk).update(time_zone=zone)
    shop.refresh_from_db()
    day, path = f"{soon.year + 1}-{month:02}-09", f"{API}/reservations/"
    body = {"start_time": f"{day}T00:15:00", "end_time": f"{day}T00:45:00"}
    made = at_shop(ana).post(path, body).json()
    shown = {name: text + offset for name, text in body.items()}
    one = f"{path}{made['id']}/"
    answers = [
        made,
        at_shop(ana).get(one).json(),
        *at_shop(ana).get(path).json(),
        *at_shop(sam).get(path).json(),
        at_shop(ana).put(one, made).json(),
        at_shop(sam).patch(one, {"status": "confirmed"}).json(),
    ]
    created = Booking.objects.get().created_at.astimezone(shop.zone)
    for answer in answers:
        assert {name: answer[name] for name in shown} == shown
        assert answer["created_at"].startswith(f"{created:%FT%T}")
        assert datetime.fromisoformat(answer["created_at"]) == created


def test_pending_and_confirmed_block_the_one_chair_and_neighbours_do_not(
    at_shop, ana, ben, sam, times
):
    path = f"{API}/reservations/"
    first = at_shop(ana).post(path, times()).json()["id"]
    for status in ("pending", "confirmed"):
        at_shop(sam).patch(f"{path}{first}/", {"status": status})
        answer = at_shop(ben).post(path, times(0.25))
        assert (answer.status_code, answer.json()) == (400, TAKEN)
    assert at_shop(ben).post(path, times(0.5)).status_code == 201
    assert at_shop(ben).post(path, times(-0.5)).status_code == 201
    at_shop(ana).patch(f"{path}{first}/", {"status": "canceled"})
    assert at_shop(ben).post(path, times()).status_code == 201


def test_a_chair_may_be_named(at_shop, ana, two_chairs, times):
    second = two_chairs[1]
    answer = at_shop(ana).post(f"{API}/reservations/", times() | {"chair": second.pk})
    assert answer.status_code == 201
    assert Booking.objects.get().resource == second
    answer = at_shop(ana).post(f"{API}/reservations/", times() | {"chair": second.pk})
    assert (answer.status_code, answer.json()) == (400, TAKEN)


def test_people_see_their_own_and_the_shop_sees_all_newest_first(
    at_shop, ana, ben, sam, ada, reserved, booked
):
    mine = [reserved(ana, hours=h).pk for h in range(12)]
    other = reserved(ben, hours=20).pk
    booked(ana)  # elsewhere
    assert [r["id"] for r in at_shop(ana).get(f"{API}/reservations/").json()] == mine[::-1]
    assert [r["id"] for r in at_shop(ben).get(f"{API}/reservations/").json()] == [other]
    for user in (sam, ada):
        found = at_shop(user).get(f"{API}/reservations/").json()
        assert [r["id"] for r in found] == [other, *mine[::-1]]
    assert at_shop().get(f"{API}/reservations/").status_code == 401


def test_a_list_takes_the_same_statements_for_any_number(
    at_shop, ana, sam, reserved, django_assert_max_num_queries
):
    for h in range(8):
        reserved(ana, hours=h)
    with django_assert_max_num_queries(4):
        assert len(at_shop(sam).get(f"{API}/reservations/").json()) == 8


def test_somebody_elses_reservation_is_not_there(at_shop, ana, ben, sam, reserved):
    booking = reserved(ana)
    path = f"{API}/reservations/{booking.pk}/"
    for answer in (
        at_shop(ben).get(path),
        at_shop(ben).patch(path, {"status": "canceled"}),
        at_shop(ben).delete(path),
    ):
        assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})
    assert at_shop(ana).get(path).json()["id"] == booking.pk
    assert at_shop(sam).get(path).json()["customer"] == ana.pk
    booking.refresh_from_db()
    assert booking.status == "pending"


def test_customers_only_cancel(at_shop, ana, reserved):
    booking = reserved(ana)
    path = f"{API}/reservations/{booking.pk}/"
    for status in ("confirmed", "completed"):
        answer = at_shop(ana).patch(path, {"status": status})
        assert answer.status_code == 403
        assert answer.json() == {"detail": "You do not have permission to perform this action."}
        booking.refresh_from_db()
        assert booking.status == "pending"
    assert at_shop(ana).patch(path, {"status": "pending"}).status_code == 200
    for word in ("cancelled", "canceled"):
        answer = at_shop(ana).patch(path, {"status": word})
        assert (answer.status_code, answer.json()["status"]) == (200, "canceled")
    answer = at_shop(ana).patch(path, {"status": "pending"})
    assert answer.status_code == 403


def test_the_shop_sets_every_status_and_an_admin_alone_completes(at_shop, ana, sam, ada, reserved):
    path = f"{API}/reservations/{reserved(ana).pk}/"
    for status in ("confirmed", "pending", "canceled", "confirmed"):
        answer = at_shop(sam).patch(path, {"status": status})
        assert (answer.status_code, answer.json()["status"]) == (200, status), answer.json()
    answer = at_shop(sam).patch(path, {"status": "completed"})
    assert (answer.status_code, list(answer.json())) == (403, ["detail"])
    assert at_shop(ada).patch(path, {"status": "completed"}).json()["status"] == "completed"
    answer = at_shop(sam).patch(path, {"status": "confirmed"})
    assert (answer.status_code, list(answer.json())) == (400, ["status"])


def test_a_request_can_be_completed_in_one_go_and_nobody_is_told(at_shop, ana, ada, reserved):
    path = f"{API}/reservations/{reserved(ana).pk}/"
    before = Delivery.objects.count()
    assert at_shop(ada).patch(path, {"status": "completed"}).json()["status"] == "completed"
    assert Delivery.objects.count() == before


def test_a_request_that_staff_reopen_is_no_news_of_its_customer(
    at_shop, ana, sam, reserved, times, settings
):
    settings.ADMIN_EMAIL = "shop@example.com"
    booking = reserved(ana)
    path, moved = f"{API}/reservations/{booking.pk}/", {"name": "moved_reservation_admin"}
    for status in ("confirmed", "pending", "confirmed"):
        assert at_shop(sam).patch(path, {"status": status}).status_code == 200
    assert not Delivery.objects.filter(**moved).exists()
    assert at_shop(ana).patch(path, times(3)).json()["status"] == "pending"
    assert Delivery.objects.filter(**moved).exists()


def test_an_edit_moves_the_reservation_and_keeps_the_rest(at_shop, ana, reserved, times):
    booking = reserved(ana, notes="Beard")
    path = f"{API}/reservations/{booking.pk}/"
    answer = at_shop(ana).patch(path, times(3))
    assert answer.status_code == 200
    assert answer.json() | times(3) | {"notes": "Beard"} == answer.json()
    answer = at_shop(ana).patch(path, {"notes": "Hair"})
    assert answer.json() | times(3) | {"notes": "Hair"} == answer.json()
    answer = at_shop(ana).patch(path, {"end_time": times(2)["start_time"]})
    assert answer.json() == {"non_field_errors": ["End time must be after start time"]}
    assert at_shop(ana).put(path, {"notes": "x"}).status_code == 400


def test_a_move_to_a_taken_time_finds_another_chair_or_is_refused(
    at_shop, ana, ben, two_chairs, reserved, times
):
    first, second = two_chairs
    booking, rival = reserved(ana), reserved(ben, hours=3)
    Booking.objects.filter(pk=rival.pk).update(resource=first)
    assert booking.resource == first
    path = f"{API}/reservations/{booking.pk}/"
    assert at_shop(ana).patch(path, times(3)).status_code == 200
    booking.refresh_from_db()
    assert booking.resource == second
    third = reserved(ben)
    answer = at_shop(ben).patch(f"{API}/reservations/{third.pk}/", times(3))
    assert (answer.status_code, answer.json()) == (400, TAKEN)


def test_a_customer_who_moves_asks_again_and_the_shop_does_not(
    at_shop, ana, sam, reserved, times, settings
):
    settings.ADMIN_EMAIL = "boss@example.com"
    booking = reserved(ana)
    path = f"{API}/reservations/{booking.pk}/"
    at_shop(sam).patch(path, {"status": "confirmed"})
    shown = at_shop(sam).get(path).json()
    assert at_shop(sam).put(path, shown | times(2)).json()["status"] == "confirmed"
    assert at_shop(ana).put(path, shown | times(4)).json()["status"] == "pending"
    names = Delivery.objects.filter(booking=booking).order_by("pk").values_list("name", flat=True)
    assert list(names) == [
        "new_reservation_admin",
        "reservation_confirmed",
        "moved",
        "moved_reservation_admin",
    ]


def test_a_form_may_send_everything_again(at_shop, ana, sam, reserved):
    booking = reserved(ana)
    path = f"{API}/reservations/{booking.pk}/"
    at_shop(sam).patch(path, {"status": "completed"})
    Booking.objects.filter(pk=booking.pk).update(starts_at=Now() - timedelta(hours=1))
    for user in (ana, sam):
        shown = at_shop(user).get(path).json()
        answer = at_shop(user).put(path, shown)
        assert (answer.status_code, answer.json()) == (200, shown)


def test_a_customer_takes_it_back_and_it_stays_on_the_list(at_shop, ana, ben, reserved, times):
    booking = reserved(ana)
    path = f"{API}/reservations/{booking.pk}/"
    for _ in range(2):
        answer = at_shop(ana).delete(path)
        assert (answer.status_code, answer.content) == (204, b"")
    assert at_shop(ana).get(path).json()["status"] == "canceled"
    assert booking.deliveries.filter(name="reservation_cancelled", to=ana.email).count() == 1
    assert at_shop(ben).post(f"{API}/reservations/", times()).status_code == 201


def test_what_is_completed_is_not_taken_back_and_says_so_in_detail(
    at_shop, ana, sam, ada, reserved
):
    path = f"{API}/reservations/{reserved(ana).pk}/"
    at_shop(ada).patch(path, {"status": "completed"})
    for user in (ana, sam):
        answer = at_shop(user).delete(path)
        assert (answer.status_code, answer.json()) == (
            400,
            {"detail": "This reservation is completed and can no longer be canceled."},
        )
    assert at_shop(ana).get(path).json()["status"] == "completed"


def test_an_admin_deletes_for_good_and_the_customer_is_told_all_the_same(
    at_shop, ana, ada, reserved, mailbox
):
    booking = reserved(ana)
    path = f"{API}/reservations/{booking.pk}/"
    assert at_shop(ada).delete(path).status_code == 204
    assert at_shop(ada).get(path).status_code == 404
    assert at_shop(ana).get(f"{API}/reservations/").json() == []
    (row,) = Delivery.objects.all()
    assert (row.name, row.to, row.booking) == ("reservation_cancelled", ana.email, None)
    (message,) = mailbox()
    assert message.subject == "Your Reservation has been Cancelled"
    assert f"Reservation: #{booking.pk}" in message.body
    assert at_shop(ada).delete(path).status_code == 404


def test_the_shop_is_told_of_what_was_asked_and_deleted_at_once(
    at_shop, ana, ada, shop, times, mailbox
):
    """The row to the shop went with the booking when it had not been sent yet."""
    Venue.objects.filter(pk=shop.pk).update(admin_email="shop@example.com")
    pk = at_shop(ana).post(f"{API}/reservations/", times()).json()["id"]
    assert at_shop(ada).delete(f"{API}/reservations/{pk}/").status_code == 204
    told = [message for message in mailbox() if message.to == ["shop@example.com"]]
    assert [message.subject for message in told] == [f"🔔 New Reservation #{pk} - Action Required"]
    assert "Customer: Ana Example" in told[0].body


def test_nobody_is_told_once_they_are_forgotten(at_shop, ana, ada, reserved, mailbox):
    booking = reserved(ana)
    at_shop(ada).delete(f"{API}/reservations/{booking.pk}/")
    at_shop(ada).delete(f"{API}/users/{ana.pk}/")
    assert mailbox() == []
    assert Delivery.objects.get().state == outbox.State.WITHHELD


def test_what_was_paid_for_is_cancelled_and_stays_in_the_books(at_shop, ana, ada, reserved):
    booking = reserved(ana)
    Payment.objects.create(booking=booking, intent_id="pi_1", amount_minor=500, currency="eur")
    assert at_shop(ada).delete(f"{API}/reservations/{booking.pk}/").status_code == 204
    booking.refresh_from_db()
    assert booking.status == "cancelled"
    assert at_shop(ada).get(f"{API}/reservations/{booking.pk}/").json()["status"] == "canceled"


def test_what_is_over_cannot_be_taken_back(at_shop, ana, ada, reserved):
    booking = reserved(ana)
    path = f"{API}/reservations/{booking.pk}/"
    at_shop(ada).patch(path, {"status": "completed"})
    answer = at_shop(ana).delete(path)
    assert (answer.status_code, list(answer.json())) == (400, ["detail"])


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_methods_that_are_not_there_are_said_to_be(at_shop, ana, method):
    answer = getattr(at_shop(ana), method)(f"{API}/reservations/")
    assert answer.status_code == 405
    assert answer.json() == {"detail": f'Method "{method.upper()}" not allowed.'}


def test_a_reservation_reads_as_completed_before_its_sweep(at_shop, ana, sam, reserved):
    booking = reserved(ana)
    path = f"{API}/reservations/{booking.pk}/"
    at_shop(sam).patch(path, {"status": "confirmed"})
    Booking.objects.filter(pk=booking.pk).update(completes_at=Now())
    assert at_shop(ana).get(path).json()["status"] == "completed"
