"""What the audit log records: every write of staff, in the transaction of the write."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.models import AuditEntry

pytestmark = pytest.mark.django_db


def entries(**filters):
    fields = ("kind", "user_id", "action", "object", "before", "after")
    return list(AuditEntry.objects.filter(**filters).order_by("id").values_list(*fields))


def test_write_of_staff_leaves_who_what_before_after_and_request(client_of, sam, court):
    answer = client_of(sam).patch(
        f"/api/v1/resources/{court.pk}/", {"name": "Centre", "capacity": 4}, HTTP_X_REQUEST_ID="r-1"
    )
    assert answer.status_code == 200
    [entry] = AuditEntry.objects.all()
    assert (entry.kind, entry.user_id, entry.key_id) == ("staff", sam.pk, None)
    assert (entry.action, entry.object) == ("update", f"resource:{court.pk}")
    assert (entry.before, entry.after) == ({"name": "Court 1"}, {"name": "Centre"})
    assert (entry.venue_id, entry.request_id) == (court.venue_id, "r-1")


def test_change_of_status_is_called_by_its_verb(client_of, sam, ana, booked):
    booking = booked(ana)
    answer = client_of(sam).post(f"/api/v1/bookings/{booking.pk}/cancel/", {"reason": "Rain"})
    assert answer.status_code == 200
    assert entries() == [
        (
            "staff",
            sam.pk,
            "cancel",
            f"booking:{booking.pk}",
            {"status": "confirmed"},
            {"status": "cancelled"},
        )
    ]


def test_customer_leaves_no_entry_and_runs_no_statement_more(client_of, ana, court, soon):
    client = client_of(ana)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = client.post(
            "/api/v1/bookings/",
            {
                "resource": court.pk,
                "starts_at": soon.isoformat(),
                "ends_at": soon.replace(hour=10).isoformat(),
            },
        )
    assert answer.status_code == 201
    assert not [q for q in queries if "set_config" in q["sql"]]
    assert entries() == []
