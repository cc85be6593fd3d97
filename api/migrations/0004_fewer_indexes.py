"""Without the indexes that another one already begins with: every booking writes them all.

The constraints of the foreign keys stay as they are, so nothing is validated again."""

from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import CASCADE, PROTECT, SET_NULL

# name, and what it was, to go back
DROPPED = {
    "api_booking_venue_id_4f8da8f5": "api_booking (venue_id)",
    "api_booking_resource_id_f3bab776": "api_booking (resource_id)",
    "api_booking_owner_id_c4a483cb": "api_booking (owner_id)",
    "api_booking_approved_by_id_5cbe44a9": "api_booking (approved_by_id)",
    "api_bookingevent_booking_id_dfe17d8c": "api_bookingevent (booking_id)",
    "api_delivery_booking_id_83534a81": "api_delivery (booking_id)",
    # for LIKE, which nobody asks of a key
    "api_delivery_key_3771ccd0_like": "api_delivery (key varchar_pattern_ops)",
}


def reference(to, on_delete, related_name, **options):
    return models.ForeignKey(
        to, on_delete=on_delete, related_name=related_name, db_index=False, **options
    )


USER = settings.AUTH_USER_MODEL
MAYBE = {"blank": True, "null": True}
NOW_SO = {
    ("booking", "venue"): reference("api.venue", PROTECT, "bookings"),
    ("booking", "resource"): reference("api.resource", PROTECT, "bookings"),
    ("booking", "owner"): reference(USER, PROTECT, "bookings"),
    ("booking", "approved_by"): reference(USER, SET_NULL, "+", **MAYBE),
    ("bookingevent", "booking"): reference("api.booking", CASCADE, "events"),
    ("delivery", "booking"): reference("api.booking", CASCADE, "deliveries", **MAYBE),
}


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("api", "0003_bookings_leave_marks")]

    operations = [
        *(
            migrations.RunSQL(
                f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
                f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {columns}",
            )
            for name, columns in DROPPED.items()
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(model, name, field) for (model, name), field in NOW_SO.items()
            ]
        ),
        AddIndexConcurrently(
            "booking",
            models.Index(
                models.F("approved_by"),
                condition=models.Q(approved_by__isnull=False),
                name="booking_by_approver",
            ),
        ),
    ]
