"""A barber can be booked: what of that is exported, and what is left once the barber is erased."""

from __future__ import annotations

from datetime import timedelta

import pytest

from api import errors
from api.models import AuditEntry, Block, Booking, HoursException, Resource, Review
from api.queries.accounts.personal_data import export_personal_data
from api.services.accounts.erasure import erase_account
from api.services.actors import Actor
from api.services.bookings.create import BookingRequest, create_booking
from api.services.venues.blocks import create_block

pytestmark = pytest.mark.django_db


@pytest.fixture
def barber(venue, ben, soon):
    barber = Resource.objects.create(
        venue=venue, name="Ben the Barber", description="Fades since 2009", user=ben
    )
    on = soon.date() + timedelta(days=9)
    HoursException.objects.create(
        venue=venue, resource=barber, first_on=on, last_on=on, reason="At the dentist"
    )
    later = soon + timedelta(days=8)
    create_block(
        barber,
        Actor.clock("test"),
        starts_at=later,
        ends_at=later + timedelta(hours=1),
        reason="Physiotherapy",
    )
    return barber


def test_a_booking_is_exported_with_all_that_it_takes(ana, court, barber, soon):
    booking = create_booking(
        BookingRequest(
            owner=ana,
            resource=court.pk,
            others=[barber.pk],
            starts_at=soon,
            ends_at=soon + timedelta(hours=1),
        ),
        actor=Actor.for_new_booking(ana),
    )
    found = export_personal_data(ana)
    assert found["allocations"] == [
        {
            "booking_id": booking.pk,
            "resource_id": resource.pk,
            "resource__name": resource.name,
            "unit": 1,
        }
        for resource in (court, barber)
    ]
    assert (found["bookings"][0]["quantity"], found["bookings"][0]["service_id"]) == (1, None)
    assert found["as_resource"] == {"resources": [], "hours": [], "days_off": [], "blocks": []}


def test_who_is_a_resource_gets_what_is_stored_of_that(ben, barber, booked, ana):
    booked(ana, place=barber)
    found = export_personal_data(ben)["as_resource"]
    assert [row["name"] for row in found["resources"]] == ["Ben the Barber"]
    assert [row["reason"] for row in found["days_off"]] == ["At the dentist"]
    assert [row["reason"] for row in found["blocks"]] == ["Physiotherapy"]
    assert "ana@example.com" not in str(found)


def test_an_erased_person_is_a_resource_no_more(ben, barber, booked, ana, sam):
    booking = booked(ana, place=barber)
    erase_account(ben)
    barber.refresh_from_db()
    assert (barber.user, barber.description, barber.bookable) == (None, "", False)
    assert barber.name == f"Resource {barber.pk}"
    assert set(Block.objects.values_list("reason", flat=True)) == {""}
    assert set(HoursException.objects.values_list("reason", flat=True)) == {""}
    texts = str(list(AuditEntry.objects.values_list("before", "after")))
    for word in ("Ben the Barber", "Fades", "dentist", "Physiotherapy"):
        assert word not in texts
    assert Booking.objects.get(pk=booking.pk).status == "confirmed"
    assert list(Review.objects.values_list("booking", flat=True)) == [booking.pk]
    with pytest.raises(errors.NotFound):
        booked(ana, hours=3, place=barber)
