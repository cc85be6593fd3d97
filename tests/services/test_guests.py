"""Bookings of guests: held until the letter's link confirms them, and what the link opens."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from api import errors
from api.lifecycle import BOOKING, Status
from api.models import Booking, BookingEvent, Delivery, Guest, PrimetimeWindow, User, Venue
from api.models.outbox import State
from api.services.accounts import accounts, erasure, links, passwords, verification
from api.services.actors import Actor
from api.services.bookings import guests, trades
from api.services.bookings.actions import approve_booking, cancel_booking, reject_booking
from api.services.bookings.changes import BookingChanges
from api.services.bookings.create import MAX_UNCONFIRMED, BookingRequest
from api.services.bookings.reschedule import reschedule_booking
from api.services.bookings.sweeps import sweep
from api.services.messages import mailer, outbox
from api.services.payments import payments

pytestmark = pytest.mark.django_db

GUS = Guest("Gus Example", "gus@example.com")


@pytest.fixture
def requested(court, soon):
    def make(hours=0, guest=GUS, **more):
        start = soon + timedelta(hours=hours)
        return guests.request_booking(
            BookingRequest(
                owner=guest,
                resource=more.pop("place", court).pk,
                starts_at=start,
                ends_at=start + timedelta(hours=1),
                **more,
            )
        )

    return make


def get_token(booking):
    booking.refresh_from_db()
    return links.build_guest_token(booking)


def set_venue(**columns):
    Venue.objects.update(**columns)


def list_verbs(booking):
    lines = BookingEvent.objects.filter(booking=booking).order_by("id")
    return list(lines.values_list("verb", "from_status", "to_status", "by"))


def list_letters(**where):
    return list(Delivery.objects.filter(**where).order_by("id").values_list("name", "to"))


def test_a_guest_holds_the_slot_for_as_long_as_the_venue_says(requested, booked, ana):
    set_venue(guest_hold=timedelta(minutes=7))
    booking = requested()
    booking.refresh_from_db()
    assert (booking.status, booking.owner, booking.person) == (Status.HELD, None, GUS)
    assert round((booking.hold_expires_at - booking.created_at) / timedelta(minutes=1)) == 7
    assert list_verbs(booking) == [("book", "", "held", "guest")]
    assert list_letters() == [("confirm_guest", "gus@example.com")]
    with pytest.raises(errors.SlotTaken):
        booked(ana)


@pytest.mark.parametrize(
    ("policy", "price", "status", "deadline", "letters"),
    [
        ("never", 0, "confirmed", "completes_at", ["confirmed"]),
        ("always", 0, "pending", "lapses_at", ["pending", "request_waiting"]),
        ("never", 500, "held", "hold_expires_at", ["held"]),
        ("always", 500, "pending", "lapses_at", ["pending", "request_waiting"]),
    ],
)
def test_confirmed_it_goes_on_as_the_policy_gives(
    requested, court, policy, price, status, deadline, letters
):
    set_venue(approval=policy, admin_email="desk@example.com", hold_length=timedelta(hours=2))
    court.price_minor = price
    court.save()
    booking = requested()
    before = booking.hold_expires_at
    after = guests.confirm_guest_booking(get_token(booking))
    assert (after.status, after.owner) == (status, None)
    assert getattr(after, deadline) is not None
    if status == "held":
        assert after.hold_expires_at > before
    else:
        assert after.hold_expires_at is None
    assert list_verbs(booking)[1:] == [("confirm_guest", "held", status, "guest")]
    sent = [name for name, _ in list_letters()]
    assert sent == ["confirm_guest", *letters]
    with pytest.raises(errors.AlreadyDone):
        guests.confirm_guest_booking(get_token(booking))


def test_primetime_waits_for_approval_and_other_times_do_not(requested, venue, soon):
    set_venue(approval="primetime")
    PrimetimeWindow.objects.create(
        venue=venue, weekday=soon.weekday(), starts_at="09:00", ends_at="10:00"
    )
    first, second = requested(), requested(hours=2)
    assert guests.confirm_guest_booking(get_token(first)).status == "pending"
    assert guests.confirm_guest_booking(get_token(second)).status == "confirmed"


def test_whoever_does_not_confirm_gives_the_slot_back_and_gets_no_second_letter(
    requested, booked, ana
):
    booking = requested()
    token = get_token(booking)
    Booking.objects.update(hold_expires_at=Now())
    with pytest.raises(errors.NotFound):  # before any sweep
        guests.get_guest_booking(token)
    with pytest.raises(errors.NotFound):
        guests.confirm_guest_booking(token)
    assert sweep(BOOKING.expire, "expire_holds") == 1
    booking.refresh_from_db()
    assert (booking.status, booking.payment_status) == ("expired", "none")
    assert list_letters() == [("confirm_guest", "gus@example.com")]
    assert booked(ana).status == "confirmed"


def test_what_was_to_be_paid_is_marked_as_failed(requested, court):
    court.price_minor = 500
    court.save()
    booking = requested()
    Booking.objects.update(hold_expires_at=Now())
    sweep(BOOKING.expire, "expire_holds")
    booking.refresh_from_db()
    assert booking.payment_status == "failed"


def test_a_venue_may_take_no_guests(requested):
    set_venue(guests=False)
    with pytest.raises(errors.GuestsRefused):
        requested()
    assert not Booking.objects.exists()


def test_nothing_is_paid_approved_or_rejected_before_it_is_confirmed(requested, court, sam):
    court.price_minor = 500
    court.save()
    booking = requested()
    with pytest.raises(errors.NotAllowedNow, match="Confirm it first"):
        payments.start_payment(booking.pk)
    for action in (approve_booking, reject_booking):
        with pytest.raises(errors.NotAllowedNow):
            action(booking.pk, Actor.for_booking(sam, booking))
    booking.refresh_from_db()
    assert (booking.status, booking.version) == ("held", 1)


def test_staff_may_cancel_it_before(requested, sam):
    booking = requested()
    cancel_booking(booking.pk, Actor.for_booking(sam, booking))
    with pytest.raises(errors.NotFound):
        guests.get_guest_booking(get_token(booking))
    assert list_letters() == [("confirm_guest", "gus@example.com")]


def test_the_database_refuses_a_booking_of_nobody_or_of_two(requested, ana):
    booking = requested()
    rows = Booking.objects.filter(pk=booking.pk)
    for columns in ({"owner": ana}, {"guest_email": "", "guest_name": "", "guest_key": ""}):
        refused = pytest.raises(IntegrityError, match="booking_owner_or_guest")
        with refused, transaction.atomic():
            rows.update(**columns)


# the link


def test_a_link_opens_its_own_booking_and_no_other(requested):
    first, second = requested(), requested(hours=2)
    tokens = [get_token(row) for row in (first, second)]
    assert [guests.get_guest_booking(token).pk for token in tokens] == [first.pk, second.pk]
    pk, link, signature = tokens[0].split(".")
    other = tokens[1].split(".")
    altered = [
        f"{other[0]}.{link}.{signature}",
        f"{pk}.{other[1]}.{signature}",
        f"{pk}.{link}.{other[2]}",
        f"{pk}.{link}",
        f"{pk}..{signature}",
        links._CONFIRM.sign(f"{pk}.{link}"),
        links._GUEST.sign(f"{pk}."),
        links._GUEST.sign(f"{pk}.{other[1]}"),
        links._GUEST.sign(f"999999.{link}"),
        tokens[0][:-1],
        tokens[0].upper(),
        "",
        "\0",
    ]
    for token in altered:
        with pytest.raises(errors.NotFound):
            guests.get_guest_booking(token)


@pytest.mark.parametrize("end", ["cancelled", "over", "rejected"])
def test_a_link_opens_nothing_once_the_booking_is_over(requested, sam, end):
    booking = requested()
    token = get_token(booking)
    guests.confirm_guest_booking(token)
    if end == "cancelled":
        assert guests.cancel_guest_booking(token, "Rain").status == "cancelled"
    elif end == "rejected":
        reject_booking(booking.pk, Actor.for_booking(sam, booking))
    else:
        hour = timedelta(hours=1)
        Booking.objects.update(starts_at=Now() - 2 * hour, ends_at=Now() - hour)
    for verb in (
        guests.get_guest_booking,
        guests.confirm_guest_booking,
        guests.cancel_guest_booking,
    ):
        with pytest.raises(errors.NotFound):
            verb(token)
    with pytest.raises(errors.NotFound):
        guests.move_guest_booking(token, booking.starts_at, booking.ends_at)


def test_a_guest_moves_and_cancels(requested, soon):
    booking = requested()
    token = get_token(booking)
    later = soon + timedelta(hours=5)
    moved = guests.move_guest_booking(token, later, later + timedelta(hours=1))
    assert (moved.status, moved.starts_at) == ("held", later)
    guests.confirm_guest_booking(token)
    moved = guests.move_guest_booking(token, soon, soon + timedelta(hours=1))
    assert (moved.status, moved.starts_at) == ("confirmed", soon)
    assert guests.cancel_guest_booking(token).status == "cancelled"
    assert [line[0] for line in list_verbs(booking)] == [
        *("book", "reschedule", "confirm_guest", "reschedule", "cancel"),
    ]
    assert {line[3] for line in list_verbs(booking)} == {"guest"}
    assert [name for name, _ in list_letters()] == [
        *("confirm_guest", "confirmed", "moved", "cancelled"),
    ]


def test_a_move_into_what_is_priced_or_needs_approval_is_confirmed_as_such(requested, court, soon):
    booking = requested()
    token = get_token(booking)
    set_venue(approval="always")
    court.price_minor = 700
    court.save()
    later = soon + timedelta(hours=5)
    assert guests.move_guest_booking(token, later, later + timedelta(hours=1)).price_minor == 700
    assert guests.confirm_guest_booking(token).status == "pending"


# the letters


def read_letter(name):
    row = Delivery.objects.get(name=name)
    return mailer.compose(row, mailer.load_bookings([row])[row.booking_id])


def test_the_letter_links_to_the_page_and_the_later_ones_too(requested, settings):
    settings.PUBLIC_URL, settings.FRONTEND_URL = "https://book.example", "https://front.example"
    booking = requested(title="Practice")
    letter = read_letter("confirm_guest")
    link = f"https://book.example/guests/{get_token(booking)}/"
    assert link in letter.body
    assert link in letter.alternatives[0].content
    assert "front.example" not in letter.body
    guests.confirm_guest_booking(get_token(booking))
    letter = read_letter("confirmed")
    assert f"See, move or cancel it: {link}" in letter.body
    guests.cancel_guest_booking(get_token(booking))
    assert "/guests/" not in read_letter("cancelled").body


def test_the_letter_about_payment_links_to_the_page(requested, court, settings):
    settings.PUBLIC_URL, settings.FRONTEND_URL = "https://book.example", "https://front.example"
    court.price_minor = 500
    court.save()
    booking = requested()
    guests.confirm_guest_booking(get_token(booking))
    letter = read_letter("held")
    assert f": https://book.example/guests/{get_token(booking)}/" in letter.body
    assert "front.example" not in letter.body + letter.alternatives[0].content


def test_nobody_is_sent_text_that_others_chose_before_they_confirmed(requested):
    lure = "Win at https://evil.example/x or call me@evil.example"
    booking = requested(guest=Guest(lure, "gus@example.com"), title=lure, notes=lure)
    letter = read_letter("confirm_guest")
    assert "evil" not in letter.subject + letter.body + letter.alternatives[0].content
    guests.confirm_guest_booking(get_token(booking))
    assert "https://evil.example" in read_letter("confirmed").body


def test_of_many_bookings_in_one_name_a_few_wait_at_once(requested, booked, ana):
    held = [requested(hours=2 * n) for n in range(MAX_UNCONFIRMED)]
    with pytest.raises(errors.TooManyHolds):
        requested(hours=30, guest=Guest("Other", "GUS@example.com"))
    assert requested(hours=40, guest=Guest("Other", "other@example.com")).status == "held"
    guests.confirm_guest_booking(get_token(held[0]))
    assert requested(hours=30).status == "held"


@pytest.mark.django_db(transaction=True)
def test_an_address_gets_so_many_letters_an_hour_and_no_more(requested, settings):
    settings.MAX_BOOKING_EMAILS_TO_UNVERIFIED = 2
    for n in range(3):
        requested(hours=2 * n)
    assert outbox.deliver(["email"], mailer.send) == 2
    assert Delivery.objects.filter(state=State.WITHHELD).count() == 1


# joining an account


def test_it_joins_the_account_that_has_the_address_once_it_is_confirmed(requested, person):
    gus = person("gus")
    booking = requested()
    booking.refresh_from_db()
    assert booking.owner is None
    token = get_token(booking)
    after = guests.confirm_guest_booking(token)
    assert (after.owner, after.guest_email, after.guest_name) == (gus, "", "")
    assert list_letters(name="confirmed") == [("confirmed", "gus@example.com")]
    assert "/guests/" not in read_letter("confirmed").body
    assert guests.get_guest_booking(token).pk == booking.pk  # until it is over


def test_it_joins_no_account_that_never_showed_that_the_address_is_its_own(requested, person):
    """Whoever registers the address of somebody else would read and cancel their bookings."""
    gus = person("gus", email_verified_at=None)
    booking = requested()
    assert guests.confirm_guest_booking(get_token(booking)).owner is None
    unconfirmed = requested(hours=2)
    verification.confirm_address(links.build_confirm_link(gus).split("/")[-2])
    booking.refresh_from_db()
    unconfirmed.refresh_from_db()
    assert (booking.owner, unconfirmed.owner) == (gus, None)
    assert list_verbs(booking)[-1] == ("join", "", "confirmed", "owner")
    assert guests.confirm_guest_booking(get_token(unconfirmed)).owner == gus


def test_it_joins_one_who_registers_later_and_sets_a_password_by_a_letter(requested):
    booking = requested()
    guests.confirm_guest_booking(get_token(booking))
    gus = accounts.register(email="Gus@Example.com", password="correct horse 9 battery")
    booking.refresh_from_db()
    assert booking.owner is None
    passwords.request_password_reset("gus@example.com")
    body = read_account_letter("password_reset")
    uid, token = re.search(r"/password-reset/([^/]+)/(\S+)", body).groups()
    passwords.reset_password(uid, token, "another horse 8 lamp")
    booking.refresh_from_db()
    assert booking.owner == gus


def read_account_letter(name):
    return str(mailer.compose(Delivery.objects.get(name=name), None).body)


def test_a_guest_cannot_trade(requested, booked, ana):
    booking = requested()
    guests.confirm_guest_booking(get_token(booking))
    mine = booked(ana, hours=3)
    with pytest.raises(errors.TradeRefused):
        trades.offer_trade(requester=ana, mine=mine.pk, theirs=booking.pk)


def test_a_trade_closes_the_link_of_what_was_booked_as_a_guest(requested, booked, person, ben):
    gus = person("gus")
    booking = requested()
    token = get_token(booking)
    guests.confirm_guest_booking(token)
    theirs = booked(ben, hours=3)
    trade = trades.offer_trade(requester=gus, mine=booking.pk, theirs=theirs.pk)
    trades.accept_trade(trade.pk, ben)
    for verb in (guests.get_guest_booking, guests.cancel_guest_booking):
        with pytest.raises(errors.NotFound):
            verb(token)


def test_a_link_that_was_closed_meanwhile_moves_nothing(requested):
    booking = requested()
    booking.refresh_from_db()
    actor = Actor.guest(booking)
    Booking.objects.update(guest_link="another")
    with pytest.raises(errors.NotFound):
        cancel_booking(booking.pk, actor)
    with pytest.raises(errors.NotFound):
        reschedule_booking(booking.pk, actor, BookingChanges(title="x"))
    booking.refresh_from_db()
    assert (booking.status, booking.title) == ("held", "")
    assert User.objects.count() == 0


# privacy


def test_all_that_is_stored_about_a_guest_is_printed_and_erased(requested, capsys):
    booking = requested(title="Counting of herons", notes="Blue folder")
    guests.confirm_guest_booking(get_token(booking))
    other = requested(hours=3, guest=Guest("Other", "other@example.com"))
    call_command("guest_data", "GUS@example.com")
    found = json.loads(capsys.readouterr().out)
    assert [row["id"] for row in found["bookings"]] == [booking.pk]
    assert [line["verb"] for line in found["history"]] == ["book", "confirm_guest"]
    assert [row["name"] for row in found["emails"]] == ["confirm_guest", "confirmed"]
    booking.refresh_from_db()
    assert booking.guest_link not in json.dumps(found)
    token = get_token(booking)
    call_command("guest_data", "gus@example.com", "--erase")
    with connection.cursor() as cursor:
        tables = ("api_booking", "api_bookingevent", "api_delivery", "api_idempotencykey")
        for table in tables:
            cursor.execute(f"SELECT count(*) FROM {table} t WHERE t::text ~* 'gus|heron|folder'")
            assert cursor.fetchone() == (0,), table
    booking.refresh_from_db()
    assert (booking.status, booking.person.address) == ("cancelled", "")
    with pytest.raises(errors.NotFound):
        guests.get_guest_booking(token)
    other.refresh_from_db()
    assert (other.status, other.guest_email) == ("held", "other@example.com")
    assert erasure.erase_guest("gus@example.com") == 0
