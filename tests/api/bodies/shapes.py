"""How our own API writes what it answers."""

from datetime import UTC, timedelta

API = "/api/v1/"
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def z(moment):
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def whole(booking):
    return {
        "id": booking.pk,
        "venue": "club",
        "resource": booking.resource_id,
        "resource_name": "Court 1",
        "service": None,
        "series": None,
        "recurrence_id": None,
        "owner": {
            "id": booking.owner_id,
            "name": booking.owner.name,
            "email": booking.owner.email,
        },
        "title": booking.title,
        "notes": booking.notes,
        "guests": booking.guests,
        "quantity": 1,
        "allocations": [{"resource": booking.resource_id, "unit": 1}],
        "attendees": sorted(booking.attendees.values_list("id", flat=True)),
        "starts_at": z(booking.starts_at),
        "ends_at": z(booking.ends_at),
        "status": booking.status,
        "primetime": booking.primetime,
        "offer_expires_at": None,
        "hold_expires_at": z(booking.hold_expires_at),
        "lapses_at": z(booking.lapses_at),
        "check_in_opens_at": z(booking.check_in_opens_at),
        "check_in_closes_at": z(booking.check_in_closes_at),
        "no_show_at": z(booking.no_show_at),
        "completes_at": z(booking.completes_at),
        "price_minor": booking.price_minor,
        "currency": booking.currency,
        "payment_status": booking.payment_status,
        "approved_by": booking.approved_by_id,
        "approved_at": z(booking.approved_at),
        "rejection_reason": booking.rejection_reason,
        "checked_in_at": z(booking.checked_in_at),
        "ended_at": z(booking.ended_at),
        "version": booking.version,
        "created_at": z(booking.created_at),
        "updated_at": z(booking.updated_at),
    }
