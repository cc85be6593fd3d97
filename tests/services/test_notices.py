"""Who is written to: said twice, for a row in hand and in SQL for the rows of a move."""

import itertools

import pytest
from django.db import connection
from django.db.models.functions import Now

from api.emails import DEFAULT, WORDINGS
from api.lifecycle import BOOKING
from api.models import Booking, Delivery
from api.services.bookings import bulk_insert
from api.services.messages import notifications

pytestmark = pytest.mark.django_db

DETAILS = {"reason": "moved", "from": {"title": "a"}, "quiet": True}
VERBS = sorted({"remind", *(move.name for move in BOOKING)} & {*DEFAULT, *WORDINGS["resources"]})


def in_sql(verb, status):
    """What `notify_moved` writes with a statement that moves nothing, but gives all bookings."""
    with bulk_insert.gathered() as emails:
        notifications.notify_moved(verb, status, DETAILS)
    rows = (
        "moved AS (SELECT b.*, '' AS status_left, NULL::timestamptz AS fell_due FROM api_booking b)"
    )
    values = [value for part in emails for value in part.values]
    with connection.cursor() as cursor:
        cursor.execute(bulk_insert.following(rows, emails, "count(*)"), values)
    columns = ("key", "name", "kind", "booking_id", "to", "payload", "state", "attempts")
    return list(Delivery.objects.order_by("id").values_list(*columns))


def in_hand(verb, status):
    found = []
    for row in Booking.objects.select_related("owner", "venue").order_by("id"):
        row.status = status
        found += [
            (e.key, e.name, e.kind, e.booking_id, e.to, e.payload, "waiting", 0)
            for e in notifications._effects(verb, [row], DETAILS)
        ]
    return found


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("wording", ["", "unheard-of", *WORDINGS])
def test_both_write_to_the_same_people(wording, verb, booked, ana, ben, venue, settings):
    """Bookings of somebody, of somebody without an address and from a door's panel; with and
    without an address of the venue, and emails that a venue may leave out."""
    settings.ADMIN_EMAIL = "desk@example.com"
    booked(ana)
    booked(ana, hours=1, contract="panel")
    ben.email = "ben@absent.invalid"
    ben.save()
    booked(ben, hours=2)
    status = "confirmed" if verb == "remind" else getattr(BOOKING, verb).target
    for admin, optional in itertools.product(("", "shop@example.com"), (True, False)):
        type(venue).objects.update(
            wording=wording, admin_email=admin, send_confirmation_emails=optional
        )
        for erased in (None, Now()):
            type(ana).objects.filter(pk=ana.pk).update(erased_at=erased)
            Delivery.objects.all().delete()
            assert in_sql(verb, status) == in_hand(verb, status)


def test_every_verb_of_a_move_that_causes_emails_is_compared():
    caused = {verb for rows in (DEFAULT, *WORDINGS.values()) for verb in rows}
    assert {move.name for move in BOOKING} & caused <= set(VERBS)
