"""What the demo lays out: enough to look at, and nothing in the way of whoever tries things out."""

from datetime import UTC, datetime, time, timedelta

import pytest

from api.models import Booking, BookingEvent, Payment, Resource
from api.services.operations import demo, invariants
from api.services.payments import reconciliation

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _stripe_is_not_local(settings):
    settings.STRIPE_LOCAL = False


@pytest.mark.django_db(transaction=True)
def test_what_the_demo_says_is_paid_is_paid_at_the_local_stripe(line, customer, settings):
    settings.STRIPE_LOCAL = True
    demo.seed_demo("holdfast-demo")
    paid = Booking.objects.filter(payment_status="succeeded")
    assert paid.count() == Payment.objects.count() > 50
    payment = Payment.objects.first()
    intent = customer.intent(payment.intent_id)
    assert (intent["status"], intent["amount"]) == ("succeeded", payment.booking.price_minor)
    assert invariants.list_problems() == []
    assert reconciliation.reconcile_all() == {}


@pytest.mark.django_db(transaction=True)
def test_the_demo_charges_nobody_with_keys_of_the_real_stripe(line):
    demo.seed_demo("holdfast-demo")
    assert line.calls == []
    assert not Payment.objects.exists()
    assert not Booking.objects.filter(payment_status="succeeded").exists()
    assert Booking.objects.filter(venue__slug="paidrooms", status="completed").exists()
    assert invariants.list_problems() == []
    assert reconciliation.reconcile_all() == {}


def test_the_demo_leaves_single_calendars_single_and_the_days_ahead_free_to_try():
    made = demo.seed_demo("holdfast-demo")
    assert made["bookings"] == Booking.objects.count()
    for slug in ("primetime", "barbershop"):
        assert Resource.objects.filter(venue__slug=slug).count() == 1
    ahead = Booking.objects.filter(starts_at__gte=datetime.now(UTC) + timedelta(days=1))
    assert {row.venue.slug for row in ahead} == {
        "primetime",
        "barbershop",
        "circletime",
        "resources",
    }
    for row in ahead:
        start, end = (at.astimezone(row.venue.zone) for at in (row.starts_at, row.ends_at))
        assert (start.date(), end.time() <= time(8)) == (end.date(), True), row
    assert demo.seed_demo("holdfast-demo") == {"bookings": 0}


def test_a_newcomer_finds_something_that_is_available_and_books_it(client):
    demo.seed_demo("holdfast-demo")
    api = "/resources/api"
    ana = {"username": "newcomer", "email": "newcomer@example.com", "password": "copper-kettle-9"}
    client.post(f"{api}/auth/users/", ana)
    token = client.post(f"{api}/auth/token/login/", ana).json()["auth_token"]
    found = client.get(f"{api}/resources/").json()
    statuses = {row["name"]: row["availability_status"] for row in found}
    assert statuses == {
        "Conference Room A": "unavailable",
        "Conference Room B": "unavailable",
        "Camera Kit": "available",
    }
    start = datetime.now(UTC) + timedelta(minutes=31)
    body = {
        "resource": next(row["id"] for row in found if row["name"] == "Camera Kit"),
        "start_time": start.isoformat(),
        "end_time": (start + timedelta(hours=1)).isoformat(),
    }
    answer = client.post(
        f"{api}/bookings/",
        body,
        content_type="application/json",
        headers={"Authorization": f"Token {token}"},
    )
    assert (answer.status_code, answer.json()["status"]) == (201, "pending")


def test_what_the_demo_says_of_the_past_could_have_happened():
    """Every move is one of the table, in the order of time, and who made it is named."""
    demo.seed_demo("holdfast-demo")
    assert invariants.list_problems() == []
    lines = BookingEvent.objects.filter(actor_name="demo")
    ordered = list(lines.order_by("id").values_list("at", flat=True))
    assert ordered == sorted(ordered)
    assert not lines.filter(by="owner", actor=None).exists()
    assert not lines.exclude(verb="book").filter(from_status="").exists()
    made = Booking.objects.order_by("id").values_list("created_at", flat=True)
    assert list(made) == sorted(made)
