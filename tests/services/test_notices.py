"""Who is written to about a booking: by the wording of its venue, its people and its switches."""

import itertools

import pytest
from django.db import connection
from django.db.models.functions import Now

from api.emails import DEFAULT, WORDINGS, list_emails
from api.lifecycle import BOOKING
from api.models import Booking, Delivery
from api.services.bookings.statements import build_statement
from api.services.messages import notifications

pytestmark = pytest.mark.django_db

DETAILS = {"reason": "moved", "from": {"title": "a"}, "quiet": True}
VERBS = sorted({verb for rows in (DEFAULT, *WORDINGS.values()) for verb in rows})
ABOUT_BOOKINGS = [verb for verb in VERBS if not verb.startswith("trade.")]


def write_to_all(verb, status):
    """What the part writes with a statement that writes nothing else, but gives all bookings."""
    part = notifications.build_email_part(verb, status, DETAILS)
    rows = "written AS (SELECT b.*, NULL::timestamptz AS fell_due FROM api_booking b)"
    if part is not None:
        with connection.cursor() as cursor:
            cursor.execute(*build_statement((rows, []), [part], "SELECT FROM written"))
    columns = ("key", "name", "kind", "booking_id", "to", "payload", "state", "attempts")
    return list(Delivery.objects.order_by("id").values_list(*columns))


def expected_emails(verb, status, admin):
    """The same, worked out a row at a time."""
    payload = {"verb": verb, "status": status, "reason": "moved", "from": {"title": "a"}}
    for row in Booking.objects.select_related("owner", "venue").order_by("id"):
        for email in list_emails(verb, row.venue.wording, "moved"):
            unknown = row.owner.erased_at or row.contract == "panel"
            to = admin if email.to == "admin" else "" if unknown else row.owner.address
            if to and (row.venue.send_confirmation_emails or not email.optional):
                key = f"email:{email.name}:{row.pk}:{row.version}"
                yield key, email.name, "email", row.pk, to, payload, "waiting", 0


@pytest.mark.parametrize("verb", ABOUT_BOOKINGS)
@pytest.mark.parametrize("wording", ["", "unheard-of", *WORDINGS])
def test_each_booking_writes_to_its_people(wording, verb, booked, ana, ben, venue, settings):
    """Bookings of somebody, of somebody without an address and from a door's panel; with and
    without an address of the venue, and emails that a venue may leave out."""
    settings.ADMIN_EMAIL = "desk@example.com"
    booked(ana)
    booked(ana, hours=1, contract="panel")
    ben.email = "ben@absent.invalid"
    ben.save()
    booked(ben, hours=2)
    for admin, optional in itertools.product(("", "shop@example.com"), (True, False)):
        type(venue).objects.update(
            wording=wording, admin_email=admin, send_confirmation_emails=optional
        )
        for erased in (None, Now()):
            type(ana).objects.filter(pk=ana.pk).update(erased_at=erased)
            Delivery.objects.all().delete()
            written = write_to_all(verb, "confirmed")
            assert written == list(expected_emails(verb, "confirmed", admin or "desk@example.com"))


def test_every_verb_of_a_move_that_causes_emails_is_among_them():
    assert {move.name for move in BOOKING} & set(VERBS) <= set(ABOUT_BOOKINGS)
