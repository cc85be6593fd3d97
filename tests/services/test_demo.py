"""What the demo lays out: enough to look at, and nothing in the way of whoever tries things out."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db.models.functions import Now

from api import errors, policy
from api.lifecycle import BOOKING
from api.models import Block, Booking, BookingEvent, Payment, Resource, Service, User
from api.queries.venues.rules import get_rules
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking
from api.services.bookings.auto_assign import create_assigned_booking
from api.services.bookings.create import BookingRequest, create_booking
from api.services.operations import demo, demo_hours, invariants
from api.services.payments import reconciliation
from api.services.venues import venues

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


def test_the_days_ahead_stay_free_to_try():
    made = demo.seed_demo("holdfast-demo")
    assert made["bookings"] == Booking.objects.count()
    ahead = Booking.objects.filter(starts_at__gte=datetime.now(UTC) + timedelta(days=1))
    ahead = ahead.exclude(resource__name__in=demo_hours.AROUND_THE_CLOCK)
    assert {row.venue.slug for row in ahead} == {
        "primetime",
        "barbershop",
        "circletime",
        "resources",
    }
    for row in ahead:
        start, end = (at.astimezone(row.venue.zone) for at in (row.starts_at, row.ends_at))
        assert (start.date(), end.time() <= time(8)) == (end.date(), True), row


def test_frontends_that_know_one_calendar_still_see_one():
    """What is booked by the contract twice at one time is refused, though there is a chair more."""
    demo.seed_demo("holdfast-demo")
    chair = Resource.objects.filter(venue__slug="barbershop").first()
    request = BookingRequest(
        owner=User.objects.get(email="ana@example.com"),
        starts_at=datetime.now(UTC) + timedelta(days=1),
        ends_at=datetime.now(UTC) + timedelta(days=1, minutes=30),
    )
    actor = Actor.for_new_booking(request.owner)
    assert create_assigned_booking(chair.venue, request, actor=actor).resource == chair
    with pytest.raises(errors.SlotTaken):
        create_assigned_booking(chair.venue, request, actor=actor)


@pytest.fixture
def hours_alone(monkeypatch, settings):
    """A week is enough: the others are looked at elsewhere."""
    settings.STRIPE_LOCAL = True
    monkeypatch.setattr(demo, "WEEKS_BACK", 1)
    monkeypatch.setattr(demo, "WEEKS_AHEAD", 0)


BERLIN = ZoneInfo("Europe/Berlin")
MOMENTS = {
    "a Saturday at 23:30": datetime(2030, 3, 2, 23, 30, tzinfo=UTC),
    "a Sunday at 03:00": datetime(2030, 3, 3, 3, tzinfo=UTC),
    "primetime": datetime(2030, 3, 1, 18, tzinfo=UTC),
    "half past midnight in Berlin": datetime(2030, 3, 5, 0, 30, tzinfo=BERLIN).astimezone(UTC),
    "when Berlin's clocks go forward": datetime(2030, 3, 31, 1, tzinfo=UTC),
    "when Berlin's clocks go back": datetime(2030, 10, 27, 0, 59, tzinfo=UTC),
    "New Year": datetime(2030, 12, 31, 23, 59, 59, tzinfo=UTC),
}


def list_missing(now: datetime) -> list[str]:
    """What no venue may be without at that time."""
    half_day, missing = timedelta(hours=12), []
    for slug in venues.PRESETS:
        rows = Booking.objects.filter(venue__slug=slug)
        blocking = rows.filter(status__in=[str(status) for status in BOOKING.blocking])
        wanted = {
            "past": rows.filter(ends_at__lte=now, ends_at__gt=now - half_day),
            "running": blocking.filter(starts_at__lte=now, ends_at__gt=now),
            "to come": blocking.filter(starts_at__gt=now, starts_at__lte=now + half_day),
        }
        missing += [f"{slug}: {what}" for what, found in wanted.items() if not found.exists()]
        busy = blocking.filter(starts_at__lt=now + timedelta(hours=3), ends_at__gt=now)
        free = Resource.objects.filter(venue__slug=slug).exclude(bookings__in=busy)
        times = now + timedelta(hours=1), now + timedelta(hours=2)
        if not any(is_open(resource.pk, *times) for resource in free):
            missing.append(f"{slug}: something free")
    return missing


def is_open(resource: int, starts_at: datetime, ends_at: datetime) -> bool:
    rules, _ = get_rules(resource)
    try:
        policy.check_resource(rules, starts_at, ends_at, 1)
    except errors.Refusal:
        return False
    return True


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("now", MOMENTS.values(), ids=MOMENTS)
def test_at_any_time_every_venue_has_bookings_past_running_and_to_come(line, hours_alone, now):
    demo.seed_demo("holdfast-demo", now)
    assert list_missing(now) == []
    assert invariants.list_problems(allowed_lag=None) == []


@pytest.mark.django_db(transaction=True)
def test_it_is_alive_again_at_a_start_weeks_later(line, hours_alone):
    now = MOMENTS["a Saturday at 23:30"]
    demo.seed_demo("holdfast-demo", now)
    later = now + timedelta(days=17, hours=5)
    assert len(list_missing(later)) > len(venues.PRESETS)
    demo.seed_demo("holdfast-demo", later)
    assert list_missing(later) == []
    assert invariants.list_problems(allowed_lag=None) == []


@pytest.mark.django_db(transaction=True)
def test_the_job_keeps_it_alive_and_checks_in_who_is_due(line, hours_alone):
    demo.seed_demo("holdfast-demo", datetime.now(UTC) - timedelta(hours=10))
    assert demo.refresh_demo() > 0
    assert list_missing(datetime.now(UTC) + timedelta(hours=1)) == []
    coming = Booking.objects.filter(resource__name="Fermat", status="confirmed")
    due = coming.filter(starts_at__gt=Now() + timedelta(hours=1)).earliest("starts_at")
    Booking.objects.filter(pk=due.pk).update(check_in_opens_at=Now())
    assert demo.refresh_demo() >= 1
    due.refresh_from_db()
    assert due.status == "checked_in"


@pytest.mark.django_db(transaction=True)
def test_what_people_do_is_never_disturbed(line, hours_alone):
    now = datetime.now(UTC)
    demo.seed_demo("holdfast-demo", now)
    mine = Booking.objects.filter(resource__name="Fermat", starts_at__gt=now + timedelta(hours=2))
    cancelled = mine.earliest("starts_at")
    cancel_booking(
        cancelled.pk,
        Actor.in_venue(User.objects.get(email="staff@example.com"), cancelled.venue_id),
    )
    before = list(Booking.objects.order_by("pk").values())
    demo.seed_demo("holdfast-demo", now)
    assert list(Booking.objects.order_by("pk").values()[: len(before)]) == before
    assert not Booking.objects.filter(
        resource=cancelled.resource, starts_at=cancelled.starts_at, status="confirmed"
    ).exists()


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
        "Podcast Kit": "unavailable",
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


def test_venues_have_services_units_a_set_rates_and_a_weekly_block():
    """With bookings of them, which the policy let in, and barbers who are people."""
    demo.seed_demo("holdfast-demo")
    names = set(Service.objects.values_list("name", flat=True))
    assert names == {"Cut", "Beard", "Spinning class", "Recording"}
    barbers = Resource.objects.filter(venue__slug="barbershop", user__isnull=False)
    assert sorted(barbers.values_list("name", "user__first_name")) == [
        (name, name) for name in ("Abe", "Bea", "Cid")
    ]
    weeks = [barber.own_hours.filter(weekday=0).order_by("opens_at") for barber in barbers]
    assert {(row.opens_at, row.closes_at) for week in weeks for row in week} == {
        (time(7), time(12)),
        (time(13), time(19)),
    }
    assert Resource.objects.get(name="Studio Two").rates[0]["price_minor"] == 10000
    block = Block.objects.get()
    assert (block.rule, len(block.repeats) > 250) == ("FREQ=WEEKLY", True)
    cuts = Booking.objects.filter(service__name="Cut")
    assert {row.status for row in cuts} == {"pending"}
    assert {row.resource for row in cuts} <= set(barbers)
    classes = Booking.objects.filter(service__name="Spinning class")
    assert max(row.allocations.count() for row in classes) > 1
    before = Booking.objects.count()
    assert demo.seed_demo("holdfast-demo")["bookings"] + before == Booking.objects.count()
    assert Service.objects.count() == len(names)
    assert Block.objects.count() == 1


def test_a_recording_takes_a_studio_and_the_kit_and_its_room_before():
    demo.seed_demo("holdfast-demo")
    ana = User.objects.get(email="ana@example.com")
    starts_at = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    request = BookingRequest(
        owner=ana,
        service=Service.objects.get(name="Recording").pk,
        starts_at=starts_at + timedelta(days=4),
        duration=timedelta(hours=1),
    )
    booking = create_booking(request, actor=Actor.for_new_booking(ana))
    assert (booking.status, booking.price_minor, booking.several) == ("held", 9000, True)
    taken = {row.resource.name: row.span.lower for row in booking.allocations.all()}
    assert taken.keys() > {"Recording Kit"}
    assert set(taken.values()) == {booking.starts_at - timedelta(minutes=15)}
