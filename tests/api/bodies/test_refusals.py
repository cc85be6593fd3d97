"""What a refusal tells."""

import pytest

from api.models import Closure, Venue

from .shapes import API, HOUR, MINUTE, z

pytestmark = pytest.mark.django_db


def test_a_taken_slot_says_what_blocks_and_offers_the_nearest_times(
    client_of, booked, court, ana, ben, soon
):
    booked(ana, length=2)
    refused = client_of(ben).post(
        f"{API}bookings/",
        {
            "resource": court.pk,
            "starts_at": z(soon + HOUR),
            "ends_at": z(soon + 2 * HOUR),
        },
    )
    assert refused.status_code == 409
    assert refused.json() == {
        "type": "about:blank",
        "title": "Slot taken",
        "status": 409,
        "code": "slot_taken",
        "detail": "The slot is already booked.",
        "conflicts": [{"starts_at": z(soon), "ends_at": z(soon + 2 * HOUR), "status": "confirmed"}],
        "alternatives": [
            {"starts_at": z(soon + 2 * HOUR), "ends_at": z(soon + 3 * HOUR)},
            {"starts_at": z(soon - HOUR), "ends_at": z(soon)},
            {"starts_at": z(soon + 3 * HOUR), "ends_at": z(soon + 4 * HOUR)},
        ],
    }


@pytest.mark.parametrize(
    ("fields", "hours", "code", "extra"),
    [
        ({"opens_at": "09:00", "closes_at": "09:30"}, 0, "outside_hours",
         {"opens_at": "09:00:00", "closes_at": "09:30:00"}),
        ({"slot_rule": "whole", "slot_length": 90 * MINUTE}, 0, "not_whole_slots",
         {"slot": "01:30:00"}),
    ],
)  # fmt: skip
def test_what_a_refusal_carries_keeps_its_type(
    client_of, venue, court, ana, soon, fields, hours, code, extra
):
    Venue.objects.filter(pk=venue.pk).update(**fields)
    refused = client_of(ana).post(
        f"{API}bookings/",
        {"resource": court.pk, "starts_at": z(soon), "ends_at": z(soon + HOUR)},
    )
    assert (refused.status_code, refused.json()["code"]) == (400, code)
    assert {name: refused.json()[name] for name in extra} == extra


def test_a_closed_date_is_refused_with_its_reason(client_of, venue, court, ana, soon):
    on = soon.date()
    Closure.objects.create(venue=venue, first_on=on, last_on=on, reason="Cleaning")
    refused = client_of(ana).post(
        f"{API}bookings/",
        {"resource": court.pk, "starts_at": z(soon), "ends_at": z(soon + MINUTE)},
    )
    assert (refused.json()["code"], refused.json()["reason"], refused.json()["on"]) == (
        "closed",
        "Cleaning",
        on.isoformat(),
    )
