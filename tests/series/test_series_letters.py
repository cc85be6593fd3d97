"""One letter a request: both forms of each say the same, in every wording."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from api import emails
from api.models import Delivery, Series, User, Venue
from api.services.messages import mailer

pytestmark = pytest.mark.django_db
START = datetime(2030, 7, 1, 8, 0, tzinfo=UTC)
NAMES = sorted({email.name for rows in emails.SERIES_EMAILS.values() for email in rows})
LINES = [
    [START.isoformat(), (START + timedelta(hours=1)).isoformat(), said, more]
    for said, more in (
        ("confirmed", ""),
        ("held", ""),
        ("pending", "moved"),
        ("taken", "slot_taken"),
        ("refused", "outside_hours"),
        ("later", ""),
    )
]


@pytest.fixture
def compose(client_of, ana, body, venue):
    sent = body(title="Practice & <Play>")
    pk = client_of(ana).post("/api/v1/series/", sent, format="json").json()["id"]

    def make(name, wording="", lines=LINES, to_staff=False):
        Venue.objects.filter(pk=venue.pk).update(wording=wording, time_zone="Europe/Berlin")
        Series.objects.filter(pk=pk).update(zone_name="Europe/Berlin")
        booking = Series.objects.get(pk=pk).bookings.first()
        payload = {"series": pk, "user": ana.pk, "lines": lines, "reason": "Rain", "times": 3}
        if to_staff:
            del payload["user"]
        row = Delivery(
            pk=10**9,
            created_at=datetime.now(UTC),
            key="k",
            name=name,
            to="x@example.com",
            payload=payload,
            booking=booking,
        )
        return mailer.compose(row, mailer.load_bookings([row]).get(booking.pk))

    return make


@pytest.mark.parametrize("wording", ["", *emails.WORDINGS])
@pytest.mark.parametrize("name", NAMES)
def test_both_forms_say_the_same(compose, name, wording):
    message = compose(name, wording)
    html = str(message.alternatives[0][0])
    assert "Practice & <Play>" in message.body
    assert "<Play>" not in html
    said = re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)))
    for line in message.body.splitlines():
        if line.strip() and "Times are in" not in line and line != "--":
            for part in line.split(": http"):  # a link stands below its label
                assert re.sub(r"\s+", " ", part.strip()) in said, line
    assert "{" not in message.subject
    assert "Monday, 01 July 2030, 10:00 to 11:00 (CEST): confirmed" in message.body
    assert "not booked, somebody else has it" in message.body
    assert "not booked, it is not open then" in message.body


def test_a_letter_says_every_time_and_what_has_become_of_it(compose):
    message = compose("series_booked")
    assert message.subject == "Booked 3 times: Practice & <Play>"
    assert message.body.count("Monday, 01 July 2030") == 6
    assert "Hello Ana Example" in message.body
    assert ": awaiting approval, moved" in message.body


@pytest.mark.parametrize("name", ["series_booked", "series_asked", "series_cancelled"])
def test_a_letter_leads_to_the_page_of_the_series(compose, name, settings):
    pk = Series.objects.get().pk
    link = f"See all its times: http://localhost:8000/book/club/series/{pk}/"
    assert link in compose(name).body
    assert "Pay for them: " in compose("series_held").body
    settings.FRONTEND_URL = "https://app.example"
    assert "/book/" not in compose(name).body


def test_staff_are_led_to_the_series_in_the_admin(compose):
    body = compose("series_waiting", to_staff=True).body
    assert "Look at the requests: http://localhost:8000/admin/api/series/" in body
    assert "/book/" not in body


def test_of_hundreds_of_later_times_a_few_are_listed(compose):
    days = [(START + timedelta(days=n)).isoformat() for n in range(201)]
    lines = [LINES[0], *([day, day, "later", ""] for day in days[1:])]
    body = compose("series_booked", lines=lines).body
    assert body.count(": later") == 3
    assert "and 197 more later" in body


def test_nobody_writes_long_texts_to_an_address_that_is_not_verified(compose, ana):
    User.objects.filter(pk=ana.pk).update(email_verified_at=None)
    Series.objects.update(title="See https://evil.example " * 9)
    assert "evil" not in compose("series_booked").body
