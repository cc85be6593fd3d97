"""Both forms of every email say the same, what people wrote is shown as they wrote it, and nothing
in a title can break the subject."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from django.conf import settings

from api import emails
from api.models import Booking, Delivery, Invitation, Resource, Trade, Venue
from api.services.messages import mailer
from api.services.messages.email_times import format_instant, format_interval

pytestmark = pytest.mark.django_db

NOTES = "Bring balls\r\n\r\n  <b>& water</b>\nالماء\n\n\nlast"
NAMES = sorted(
    (wording, each.name)
    for wording in ("", *emails.WORDINGS)
    for each in {
        row
        for rows in (
            *(emails.DEFAULT | emails.TRADE_EMAILS | emails.WORDINGS.get(wording, {})).values(),
            emails.ACCOUNT_EMAILS.values() if not wording else (),
        )
        for row in rows
    }
)


@pytest.fixture
def composed(booked, ana, ben, venue, court):
    """Composes an email of that wording with everything that a template may show."""
    Venue.objects.filter(pk=venue.pk).update(time_zone="Europe/Berlin", currency="eur")
    Resource.objects.filter(pk=court.pk).update(building="Old & <Hall>")
    booking, other = booked(ana, title="Practice & <Play>"), booked(ben, 5)
    start = datetime(2030, 7, 1, 8, 0, tzinfo=UTC)
    rich = {
        "notes": NOTES,
        "starts_at": start,
        "ends_at": start + timedelta(minutes=90),
        "ended_at": start + timedelta(minutes=60),
        "offer_expires_at": start - timedelta(hours=2),
        "hold_expires_at": start - timedelta(hours=1),
        "no_show_at": start + timedelta(minutes=15),
        "check_in_opens_at": start - timedelta(minutes=15),
        "price_minor": 1250,
        "currency": "eur",
        "guests": 3,
    }
    trade = Trade.objects.create(
        requester=ana,
        target=ben,
        requester_booking=booking,
        target_booking=other,
        lapses_at=other.starts_at,
        message="Please\n& <thanks>",
        response_message="No\n& <sorry>",
    )

    invitation = Invitation.objects.create(
        venue=venue, email="x@example.com", email_key="x@example.com", role="staff", invited_by=ana
    )

    def compose(wording: str, name: str, reason: str = "Rain\n& <storm>", **changed):
        found = emails.get_email(name, wording)
        status = found.only_while[0] if found.only_while else "confirmed"
        Venue.objects.filter(pk=venue.pk).update(wording=wording)
        Booking.objects.filter(pk=booking.pk).update(**rich | {"status": status} | changed)
        payload = {"reason": reason, "back": "12.50 EUR", "rule": "Closed.", "changed": "password"}
        if name.startswith("trade_"):
            payload |= {"trade": trade.pk, "side": "requester"}
        if "password" in name:
            payload = {"user": ana.pk}
        if name == "invitation":
            payload = {"invitation": invitation.pk}
        row = Delivery(
            pk=1, key="k", name=name, to="x@example.com", payload=payload, created_at=start
        )
        about = Booking.objects.select_related("venue", "resource", "owner").get(pk=booking.pk)
        return mailer.compose(row, None if name in emails.ACCOUNT_EMAILS else about)

    return compose


def html_of(message) -> str:
    return message.alternatives[0].content


def shown(html: str) -> list[str]:
    """The lines that a reader sees of the HTML, without the name of the venue above the letter."""
    body = re.sub(r"<head>.*</head>", "", html, flags=re.S)
    text = re.sub(r"\s*\n\s*", " ", body)
    text = re.sub(r"</(p|h1|td)>|<br>", "\n", text)
    lines = unescape(re.sub(r"<[^>]+>", "", text)).split("\n")
    return [" ".join(line.split()) for line in lines if line.strip()][1:]


@pytest.mark.parametrize(("wording", "name"), NAMES)
def test_both_forms_say_the_same_in_the_same_lines(composed, wording, name):
    message = composed(wording, name)
    text = [" ".join(line.split()) for line in message.body.splitlines() if line.strip()]
    text.remove("--")
    html = shown(html_of(message))
    # a button and the link below it are one line of text
    joined = re.sub(r"\n(https?://\S+)(?=\n)", r": \1", "\n".join(html))
    assert joined.split("\n") == text


@pytest.mark.parametrize(("wording", "name"), NAMES)
def test_nothing_is_left_out_or_unescaped(composed, wording, name):
    message, booking = composed(wording, name), name not in emails.ACCOUNT_EMAILS
    for word in ("None", "{", "[", "absent.invalid"):
        assert word not in message.subject + message.body
    assert "<Play>" not in html_of(message)
    assert "<b>" not in html_of(message)
    if booking:
        for fact in ("Practice & <Play>", "Old & <Hall>", "12.50 EUR", "10:00", "(CEST)", "2030"):
            assert fact in message.body


def test_notes_keep_their_lines(composed):
    message = composed("", "confirmed")
    assert "Notes: Bring balls\n\n      <b>& water</b>\n    الماء\n\n\n    last\n" in message.body
    lines = html_of(message).replace("\n", "")
    assert "Bring balls</p>" in lines
    assert "&lt;b&gt;&amp; water&lt;/b&gt;<br>الماء</p>" in lines


def test_a_booking_at_the_resources_says_that_it_has_no_notes(composed):
    for name in ("booking_created_template", "booking_details_updated_template"):
        message = composed("resources", name, notes="")
        assert "Notes: No notes given" in message.body
        assert "Notes: No notes given" in html_of(message)
    assert "No notes given" not in composed("", "confirmed", notes="").body


def test_a_long_word_is_broken_where_the_letter_ends(composed):
    assert "overflow-wrap:anywhere" in html_of(composed("", "confirmed", title="W" * 255))


@pytest.mark.parametrize(
    "title",
    [
        "=?utf-8?q?Free_money?= for all",
        "=?utf-8?b?SGk=?=",
        "é =?iso-8859-1?q?x?= 会议 " + "long " * 30,
        "x\r\nBcc: everybody@example.com\r\n\r\nbody",
        "a\x0b\x0c\x1c\x85\u2028\u2029b",
        "W" * 255,
        "会" * 255,
        "\x1b]0;title\x07\x7f",
    ],
)
def test_a_subject_reads_as_it_was_meant(composed, title):
    """Rows that are older than the check of titles may have line breaks."""
    message = composed("circletime", "confirmed", title=title)
    read = email.message_from_bytes(message.message().as_bytes(), policy=email.policy.default)
    visible = re.sub(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]", "", title)
    words = f"Booking Confirmed: {visible}".split()
    assert str(read["Subject"]).strip() == " ".join(words)
    assert read["Bcc"] is None


BERLIN, HOWE = "Europe/Berlin", "Australia/Lord_Howe"


@pytest.mark.parametrize(
    ("zone", "start", "hours", "text"),
    [
        (BERLIN, "2030-07-01T08:00", 1, "Monday, 01 July 2030, 10:00 to 11:00 (CEST)"),
        ("UTC", "2030-12-31T23:30", 1,
         "Tuesday, 31 December 2030, 23:30 to Wednesday, 01 January 2031, 00:30 (UTC)"),
        ("Asia/Kathmandu", "2030-07-01T10:00", 1,
         "Monday, 01 July 2030, 15:45 to 16:45 (UTC+05:45)"),
        ("America/Sao_Paulo", "2030-07-01T10:00", 1,
         "Monday, 01 July 2030, 07:00 to 08:00 (UTC-03:00)"),
        # the hour that comes twice, the hour that is missing, and Lord Howe's half hours
        (BERLIN, "2030-10-27T00:30", 1,
         "Sunday, 27 October 2030, 02:30 (CEST, UTC+02:00) to 02:30 (CET, UTC+01:00)"),
        (BERLIN, "2030-10-27T01:30", 1,
         "Sunday, 27 October 2030, 02:30 to 03:30 (CET, UTC+01:00)"),
        (BERLIN, "2030-03-31T00:30", 1,
         "Sunday, 31 March 2030, 01:30 (CET, UTC+01:00) to 03:30 (CEST, UTC+02:00)"),
        (HOWE, "2030-04-06T14:45", 1,
         "Sunday, 07 April 2030, 01:45 (UTC+11:00) to 02:15 (UTC+10:30)"),
        (BERLIN, "2030-10-25T08:00", 96,
         "Friday, 25 October 2030, 10:00 (CEST) to Tuesday, 29 October 2030, 09:00 (CET)"),
    ],
)  # fmt: skip
def test_an_interval_is_unambiguous_on_every_day(composed, zone, start, hours, text):
    begins = datetime.fromisoformat(start).replace(tzinfo=UTC)
    ends = begins + timedelta(hours=hours)
    venue = Venue(time_zone=zone)
    assert format_interval(begins, ends, venue.zone) == text
    Venue.objects.update(time_zone=zone)
    message = composed("", "confirmed", starts_at=begins, ends_at=ends)
    for form in (message.body, html_of(message)):
        assert text in form
        assert f"Times are in {zone}." in form


def test_every_instant_of_a_year_has_a_text_of_its_own():
    """In zones that change by an hour, by half an hour, and never; each quarter of an hour."""
    for name in (BERLIN, HOWE, "America/New_York", "Africa/Casablanca", "Asia/Kolkata"):
        zone, at = Venue(time_zone=name).zone, datetime(2030, 1, 1, tzinfo=UTC)
        texts = [format_instant(at + n * timedelta(minutes=15), zone) for n in range(366 * 96)]
        assert len(set(texts)) == len(texts)


def test_a_deadline_has_the_zone_of_its_own_day(composed):
    """It may lie on the other side of a change of clocks than the start."""
    hold, start = datetime(2030, 10, 26, 8, tzinfo=UTC), datetime(2030, 10, 29, 8, tzinfo=UTC)
    times = {"starts_at": start, "ends_at": start + timedelta(hours=1), "hold_expires_at": hold}
    body = composed("paidrooms", "held", **times).body
    assert "by Saturday, 26 October 2030, 10:00 (CEST, UTC+02:00) and" in body
    assert "Tuesday, 29 October 2030, 09:00 to 10:00 (CET)" in body


def test_a_reminder_says_the_day_and_when_check_in_opens(composed):
    Booking.objects.update(status="confirmed")
    body = composed("circletime", "reminder").body
    assert "It begins on Monday, 01 July 2030, 10:00 (CEST)." in body
    assert "Check in from Monday, 01 July 2030, 09:45 (CEST) on, in the app" in body


def test_no_template_says_a_time_without_its_day_or_zone():
    for path in Path(settings.BASE_DIR, "email_templates").rglob("*.jinja"):
        for line in path.read_text().splitlines():
            assert "%H" not in line, path
            assert ("%I" in line) == ("({{ zone }})" in line), path
            assert not re.search(r"\b(today|tomorrow|tonight)\b", line, re.I), path
