"""What is booked: a court, a chair, a room; or `units` identical places, seats or bikes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from .users import User
from .venues import Venue


class Resource(models.Model):
    venue = models.ForeignKey(Venue, on_delete=models.PROTECT, related_name="resources")
    name = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    building = models.CharField(max_length=120, blank=True)
    floor = models.IntegerField(default=0)
    capacity = models.PositiveIntegerField(default=1, help_text="People")
    units = models.PositiveIntegerField(
        default=1, db_default=1, help_text="Identical places: seats, bikes, lockers"
    )
    buffer_before = models.DurationField(
        default=timedelta(0), db_default=timedelta(0), help_text="Kept free before a booking"
    )
    buffer_after = models.DurationField(
        default=timedelta(0), db_default=timedelta(0), help_text="Kept free after a booking"
    )
    user = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="resources",
        db_index=False,
        help_text="Who it is, where a person is what is booked",
    )
    amenities = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    image_url = models.URLField(max_length=500, blank=True)
    is_available = models.BooleanField(default=True)
    maintenance = models.BooleanField(default=False)
    price_minor = models.PositiveBigIntegerField(
        default=0, help_text="Per slot, in minor units of the currency; 0 is free of charge"
    )
    rates = models.JSONField(
        default=list,
        db_default=[],
        blank=True,
        editable=False,
        help_text="Prices of slots by weekday, hours and dates; the first that fits decides",
    )
    opens_at = models.TimeField(
        null=True,
        blank=True,
        help_text="Own hours on the days on which the venue is open; others are in `Hours`",
    )
    closes_at = models.TimeField(null=True, blank=True)
    own_slot_length = models.DurationField(null=True, blank=True)
    crowded_until = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Until then more units are booked than are"
    )
    retired_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    now: datetime  # the database's clock, where `queries.venues.rules` read the row
    affected: Sequence[Any] = ()  # as of a venue

    class Meta:
        ordering = ["id"]
        indexes = [
            GinIndex(fields=["amenities"], name="resource_amenities"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(opens_at__isnull=True, closes_at__isnull=True)
                | Q(opens_at__isnull=False, closes_at__isnull=False),
                name="resource_own_hours_are_a_pair",
            ),
            models.CheckConstraint(
                condition=Q(own_slot_length__isnull=True)
                | Q(own_slot_length__gte=timedelta(minutes=1)),
                name="resource_slot_length",
            ),
            models.CheckConstraint(condition=Q(units__gte=1), name="resource_units"),
            models.UniqueConstraint(
                "user", name="resource_one_a_person", condition=Q(retired_at__isnull=True)
            ),
            models.CheckConstraint(
                condition=Q(buffer_before__gte=timedelta(0), buffer_after__gte=timedelta(0)),
                name="resource_buffers",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def slot_length(self) -> timedelta:
        return self.own_slot_length or self.venue.slot_length

    @property
    def unavailable_because(self) -> str:
        """Why it cannot be booked, what lasts longest first; empty if it can."""
        if self.retired_at is not None:
            return "retired"
        return "switched off" if not self.is_available else "maintenance" * self.maintenance

    def is_crowded(self, at: datetime) -> bool:
        """Whether from then on more units may be booked than there are, since there were more."""
        return self.crowded_until is not None and at < self.crowded_until

    @property
    def bookable(self) -> bool:
        return not self.unavailable_because
