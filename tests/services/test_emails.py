"""Every e-mail in both forms, in the venue's time zone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db.models.functions import Now
from jinja2.meta import find_undeclared_variables

from api import emails
from api.models import Booking, Delivery, Venue
from api.services.messages import email_context, email_templates, mailer, outbox
from api.services.operations.lease_queue import Withheld

pytestmark = pytest.mark.django_db

BOOKED = sorted({email.name for row in emails.DEFAULT.values() for email in row})


@pytest.fixture
def booking(booked, ana, venue, court):
    """A practice in Berlin's summer, 10:00 to 11:30 there, with everything a template may show."""
    Venue.objects.filter(pk=venue.pk).update(time_zone="Europe/Berlin", currency="eur")
    booking = booked(ana, title="Practice & <Play>", notes="Bring balls")
    start = datetime(2030, 7, 1, 8, 0, tzinfo=UTC)
    Booking.objects.filter(pk=booking.pk).update(
        starts_at=start,
        ends_at=start + timedelta(minutes=90),
        hold_expires_at=start - timedelta(hours=1),
        price_minor=1250,
        currency="eur",
    )
    return Booking.objects.select_related("venue", "resource", "owner").get(pk=booking.pk)


@pytest.mark.parametrize("name", BOOKED)
def test_every_email_has_both_forms_with_the_local_time(name, booking):
    email = emails.get_email(name)
    booking.status = email.only_while[0] if email.only_while else booking.status
    row = Delivery(key=f"k:{name}", name=name, to="x@example.com", payload={"reason": "Rain"})
    message = mailer.compose(row, booking)
    html = message.alternatives[0].content
    when = "Monday, 01 July 2030, 10:00 to 11:30 (CEST)"
    assert when in message.body
    assert when in html
    assert "Practice & <Play>" in message.body
    assert "Practice &amp; &lt;Play&gt;" in html
    assert "12.50 EUR" in message.body
    greeting = "Hello Ana Example," if email.to == "owner" else "Ana Example (ana@example.com)"
    assert greeting in message.body
    assert "\n" not in message.subject
    for text in (message.subject, message.body, html):
        assert "{" not in text
        assert "None" not in text


def test_a_rejection_says_why_and_a_hold_says_until_when(booking):
    rejected = mailer.compose(
        Delivery(key="r", name="rejected", to="x@example.com", payload={"reason": "Rain"}), booking
    )
    assert "The reason: Rain" in rejected.body
    booking.status = "held"
    held = mailer.compose(Delivery(key="h", name="held", to="x@example.com"), booking)
    assert held.subject == ("Pay by Monday, 01 July 2030, 09:00 (CEST) to keep Practice & <Play>")
    page = f"{settings.PUBLIC_URL}/book/{booking.venue.slug}/bookings/{booking.pk}/"
    assert f"Pay 12.50 EUR: {page}" in held.body


def test_letters_lead_to_the_frontend_where_there_is_one(booking, settings):
    settings.FRONTEND_URL = "https://front.example"
    booking.status = "held"
    held = mailer.compose(Delivery(key="h", name="held", to="x@example.com"), booking)
    assert f"Pay 12.50 EUR: https://front.example/bookings/{booking.pk}/pay" in held.body
    assert "/book/" not in held.body


def test_letters_to_its_owner_lead_to_the_booking_page(booking, settings):
    page = f"{settings.PUBLIC_URL}/book/{booking.venue.slug}/bookings/{booking.pk}/"
    for name in ("confirmed", "moved"):
        sent = mailer.compose(Delivery(key="c", name=name, to="x@example.com"), booking)
        assert f"See, move or cancel it: {page}" in sent.body
    booking.status = "cancelled"
    over = mailer.compose(Delivery(key="o", name="cancelled", to="x@example.com"), booking)
    assert "/book/" not in over.body


def test_the_same_row_always_has_the_same_message_id(booking):
    row = Delivery(key="email:confirmed:1:1", name="confirmed", to="x@example.com")
    ids = {mailer.compose(row, booking).extra_headers["Message-ID"] for _ in range(2)}
    assert ids == {mailer.build_message_id("email:confirmed:1:1")}


def test_a_reminder_is_withheld_once_the_booking_is_cancelled_or_has_begun(booking):
    row = Delivery(key="m", name="reminder", to="x@example.com")
    assert mailer.compose(row, booking).subject == (
        "Reminder: Practice & <Play>, Monday, 01 July 2030, 10:00 (CEST)"
    )
    booking.status = "cancelled"
    with pytest.raises(Withheld):
        mailer.compose(row, booking)
    booking.status, booking.starts_at = "confirmed", datetime.now(UTC) - timedelta(minutes=1)
    with pytest.raises(Withheld):
        mailer.compose(row, booking)


EVERY = sorted(
    {
        (wording, email.name)
        for wording in ("", *emails.WORDINGS)
        for rows in (emails.DEFAULT | emails.WORDINGS.get(wording, {})).values()
        for email in rows
    }
)


@pytest.mark.parametrize(("wording", "name"), EVERY)
def test_an_email_is_read_with_its_batch_and_nothing_after_it(
    wording, name, booking, django_assert_num_queries
):
    """A column that templates show and `BOOKING_COLUMNS` lacks is one more statement an e-mail."""
    Venue.objects.filter(pk=booking.venue_id).update(wording=wording)
    email = emails.get_email(name, wording)
    status = email.only_while[0] if email.only_while else booking.status
    until = booking.starts_at if status == "offered" else None
    Booking.objects.filter(pk=booking.pk).update(status=status, offer_expires_at=until)
    row = Delivery(key="k", name=name, to="x@example.com", booking_id=booking.pk)
    found = mailer.load_bookings([row])
    with django_assert_num_queries(int(email.before_start)):  # the clock
        mailer.compose(row, found[booking.pk])


def test_templates_name_nothing_that_no_email_is_given(booking):
    """What a template does not know is left out of the e-mail without a word."""
    env, _ = email_templates.get_environments()
    given = {"site", "frontend", "status", "status_word", "reason", "verb", "back"}
    given |= set(email_context.build_booking_context(booking))
    given |= {"trade", "answered", "other", "other_what", "other_when", "uid", "token", "link"}
    given |= {"layout", "action_link", "action_label", "rule"}  # of the two forms, and of a review
    given |= {"changed", "confirm_link"}  # of accounts
    given |= {"by", "role", "venue_name"}  # of an invitation
    given |= {"series", "what", "place", "lines", "count", "first", "waiting", "missed", "later"}
    given |= {"times", "owner_name", "page_label"}  # of a series
    given |= {"guest_link", "page_link"}  # of whoever may open it
    for name in env.list_templates():
        source = env.loader.get_source(env, name)[0]
        assert find_undeclared_variables(env.parse(source)) <= given, name


def test_every_template_has_its_row_in_the_table():
    folder = Path(settings.BASE_DIR, "email_templates")
    for path in folder.rglob("*.jinja"):
        name = path.relative_to(folder).with_suffix("")
        if not name.name.startswith("_"):
            wording = "" if name.parent == Path() else name.parent.name
            assert emails.get_email(name.name, wording).name == name.name


@pytest.mark.django_db(transaction=True)
def test_what_was_booked_is_sent_to_the_mail_directory(booked, ana, settings, tmp_path):
    settings.EMAIL_BACKEND, settings.MAIL_DIR = "backend.eml_backend.EmlFileBackend", str(tmp_path)
    booked(ana)
    assert outbox.deliver(["email"], mailer.send) == 1
    (file,) = tmp_path.glob("*.eml")
    text = file.read_text()
    assert "Subject: Reservation Confirmed" in text
    assert "To: ana@example.com" in text
    row = Delivery.objects.get(finished_at__lte=Now())
    assert (row.state, row.attempts) == ("sent", 1)
    assert outbox.deliver(["email"], mailer.send) == 0


@pytest.mark.parametrize(
    ("status", "attempts", "age", "withheld"),
    [
        ("cancelled", 2, 0, True),
        ("cancelled", 1, 60, True),
        ("cancelled", 1, 0, False),
        ("confirmed", 2, 60, False),
        ("completed", 2, 60, False),
    ],
)
def test_what_an_outage_kept_back_does_not_say_that_a_booking_stands(
    booking, status, attempts, age, withheld
):
    """A confirmation after the cancellation; whoever cancels at once is told of both, in order."""
    booking.status = status
    row = Delivery.objects.get(name="confirmed")
    row.attempts, row.created_at = attempts, datetime.now(UTC) - timedelta(seconds=age)
    if withheld:
        with pytest.raises(Withheld, match="cancelled by now"):
            mailer.compose(row, booking)
    else:
        assert mailer.compose(row, booking).subject == "Reservation Confirmed"
