"""Emails to addresses that nobody has verified: short lines without links, and not many."""

import re
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from api.models import Delivery, User
from api.models.outbox import State
from api.services.accounts import accounts, changes, passwords, verification
from api.services.accounts.proofs import Proof
from api.services.bookings import trades
from api.services.messages import mailer, outbox, recipients

pytestmark = pytest.mark.django_db

LURE = "Win at https://evil.example/x\nor evil.com, call\x07 me@evil.example " + "z" * 99


@pytest.fixture
def stranger(person):
    return person("eve", email_verified_at=None, username="see-evil.example")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Practice", "Practice"),
        ("Ana's 3.5 hours, e.g. tennis; 50% off!", "Ana's 3.5 hours, ... tennis; 50% off!"),
        ("two\r\nlines\tand\u2028more", "two lines and more"),
        ("http://evil.example", ""),
        ("see www.evil", "see ..."),
        ("at evil．com or evil。com", "at ... or ..."),
        ("tel:+1900 javascript:alert(1)", ""),
        ("a@b or a＠b", "... or ..."),
        ("//evil \\\\evil", ""),
        ("\u202eevil", "evil"),
        ("x" * 99, "x" * 57 + "..."),
        ("", ""),
    ],
)
def test_free_text_is_one_short_line_without_links(text, shown):
    assert recipients.shorten(text) == shown


def test_a_stranger_is_sent_no_text_that_others_chose(booked, stranger):
    booking = booked(stranger, title=LURE, notes=LURE)
    row = Delivery.objects.get()
    row.payload["reason"] = LURE
    message = mailer.compose(row, booking)
    html = message.alternatives[0].content
    for text in (message.subject, message.body, html):
        assert not re.search(r"evil[.．](example|com)|me@", text)
        assert LURE[:30] not in text
    assert "\n" not in message.subject
    booking.refresh_from_db()
    assert booking.title == LURE


def test_the_admins_read_all_of_it_in_the_same_batch(booked, stranger, venue):
    venue.approval, venue.admin_email = "always", "desk@example.com"
    venue.save()
    booking = booked(stranger, title="See https://evil.example/")
    rows = {row.to: mailer.compose(row, booking) for row in Delivery.objects.all()}
    assert "https://evil.example/" not in rows[stranger.email].body
    assert "https://evil.example/" in rows["desk@example.com"].body


def test_a_trade_says_little_to_a_stranger(booked, ana, stranger):
    User.objects.filter(pk=ana.pk).update(first_name="www.evil.example")
    mine, theirs = booked(ana), booked(stranger, hours=2)
    Delivery.objects.all().delete()
    trades.offer_trade(requester=ana, mine=mine.pk, theirs=theirs.pk, message=LURE, venue=None)
    row = Delivery.objects.get(to=stranger.email)
    message = mailer.compose(row, theirs)
    assert "evil.example" not in message.subject + message.body + message.alternatives[0].content


@pytest.mark.django_db(transaction=True)
def test_of_many_emails_to_one_stranger_twenty_an_hour_are_sent(booked, stranger, ana, settings):
    settings.MAX_BOOKING_EMAILS_TO_UNVERIFIED = 3
    for n in range(5):
        booked(stranger, hours=2 * n, title="Hi")
        booked(ana, hours=2 * n + 1)
    assert outbox.deliver(["email"], mailer.send) == 8
    withheld = Delivery.objects.filter(state=State.WITHHELD)
    assert withheld.count() == 2
    assert {row.to for row in withheld} == {stranger.email}
    assert {row.last_error for row in withheld} == {
        "over 3 an hour to an address that nobody has verified"
    }
    Delivery.objects.update(created_at=Now() - timedelta(hours=1, seconds=1))
    booked(stranger, hours=20)
    assert outbox.deliver(["email"], mailer.send) == 1


@pytest.mark.django_db(transaction=True)
def test_resets_are_counted_by_themselves(booked, stranger):
    for _ in range(8):
        passwords.request_password_reset(stranger.email)
    booked(stranger)
    assert outbox.deliver(["email"], mailer.send) == 6
    assert Delivery.objects.filter(state=State.WITHHELD).count() == 3


def test_the_link_of_a_letter_verifies_the_address(booked, stranger):
    booking = booked(stranger, title="See https://ours.example/")
    row = Delivery.objects.get()
    token = re.search(r"/account/confirm/(\S+)/\n", str(mailer.compose(row, booking).body))[1]
    verification.confirm_address(token)
    booking.owner.refresh_from_db()
    body = str(mailer.compose(row, booking).body)
    assert "https://ours.example/" in body
    assert "/account/confirm/" not in body
    accounts.update_account(
        booking.owner, {"email": "x@example.com"}, by=booking.owner, proof=Proof(PASSWORD)
    )
    assert User.objects.get().email_verified_at is None
    assert verification.find_user(token) is None


PASSWORD = "correct horse 9 battery"


def test_a_reset_and_an_undone_change_verify_it_too(stranger):
    body = dict(uid_and_token(stranger))
    passwords.reset_password(body["uid"], body["token"], "another horse 8 staple")
    stranger.refresh_from_db()
    assert stranger.email_verified_at
    User.objects.update(email_verified_at=None)
    changes.record_change(stranger, "password")
    row = Delivery.objects.get(name="account_changed")
    token = re.search(r"/account/undo/(\S+)/\n", str(mailer.compose(row, None).body))[1]
    changes.undo_change(token)
    stranger.refresh_from_db()
    assert stranger.email_verified_at


def uid_and_token(user):
    passwords.request_password_reset(user.email)
    row = Delivery.objects.latest("pk")
    found = re.search(r"/password-reset/(\S+?)/(\S+)", str(mailer.compose(row, None).body))
    return {"uid": found[1], "token": found[2]}


def test_whom_an_operator_made_is_verified_and_who_registers_is_not():
    assert User.objects.create_superuser("root@example.com", PASSWORD).email_verified_at
    assert accounts.register(email="ana@example.com", password=PASSWORD).email_verified_at is None
    made = accounts.register(email="b@example.com", password=PASSWORD, verified=True)
    assert made.email_verified_at
