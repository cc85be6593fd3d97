"""What a request costs, in statements."""

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.models import Resource

from .shapes import API, HOUR, z

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("bookings/", 6),
        ("bookings/?venue=club&status=confirmed", 6),
        ("venues/club/calendar/", 6),
        ("resources/", 6),
        ("resources/?free_from={soon}&free_until={end}", 6),
        ("venues/", 6),
        ("dashboard/", 6),
        ("dashboard/staff/", 6),
        ("bookings/{booking}/", 6),
        ("bookings/{booking}/events/", 6),
        ("resources/{court}/availability/?start={soon}&end={end}", 4),
    ],
)
def test_a_read_costs_the_same_however_many_rows_there_are(
    client_of, booked, venue, court, ana, sam, soon, path, most
):
    booking = booked(ana, attendees=[sam])
    Resource.objects.create(venue=venue, name="R0")  # of no row, nothing more is read
    client = client_of(sam)
    path = path.format(soon=z(soon), end=z(soon + 24 * HOUR), booking=booking.pk, court=court.pk)

    def cost():
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(f"{API}{path}").status_code == 200
        return len(queries)

    cost()  # from here on the rules of the place are known, until the venue changes
    few = cost()
    for n in range(1, 12):
        booked(ana, hours=n, attendees=[sam])
        Resource.objects.create(venue=venue, name=f"R{n}")
    cost()
    assert cost() == few <= most


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}])
def test_a_booking_costs_at_most_eight_statements(
    client_of, court, ana, soon, headers, django_assert_max_num_queries
):
    """With its key: the lock, the look for an answer, keeping it, and four of savepoints, two of
    which are the test's."""
    client = client_of(ana)
    for n in range(2):  # the second time the rules of the place are known
        cache.clear()
        most = 20 if n == 0 else 8 + 4 * len(headers)
        body = {
            "resource": court.pk,
            "starts_at": z(soon + n * HOUR),
            "ends_at": z(soon + (n + 1) * HOUR),
        }
        with django_assert_max_num_queries(most):
            made = client.post(
                f"{API}bookings/", body, headers={k: f"{v}{n}" for k, v in headers.items()}
            )
        assert made.status_code == 201
