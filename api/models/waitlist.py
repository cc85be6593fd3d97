"""The waitlist: who is next for what, and the freed time that offers are still to be made of."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, Now

from api.lifecycle import OFFERED, WAITING, WAITLIST, WaitlistStatus

from .bookings import Booking, Span
from .resources import Resource
from .services import Pool, Service
from .users import User
from .venues import Venue


class WaitlistEntry(models.Model):
    """Somebody waits for a resource, any of a pool, or a service, within a window. `booking` is
    what was offered; the entry's status follows it by trigger (`migrations/sql/waitlist.sql`)."""

    # no index of their own: those below begin with them
    venue = models.ForeignKey(
        Venue, on_delete=models.PROTECT, related_name="waitlist", db_index=False
    )
    owner = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="waitlist", db_index=False
    )
    resource = models.ForeignKey(
        Resource, null=True, blank=True, on_delete=models.CASCADE, related_name="waitlist"
    )
    pool = models.ForeignKey(
        Pool, null=True, blank=True, on_delete=models.CASCADE, related_name="waitlist"
    )
    service = models.ForeignKey(
        Service, null=True, blank=True, on_delete=models.CASCADE, related_name="waitlist"
    )
    from_at = models.DateTimeField(help_text="The earliest start")
    until_at = models.DateTimeField(help_text="The latest end")
    duration = models.DurationField()
    quantity = models.PositiveIntegerField(default=1, db_default=1)
    status = models.CharField(max_length=10, choices=WaitlistStatus.choices, default=WAITING)
    # the end of the window, then of the offer
    lapses_at = models.DateTimeField(editable=False)
    booking = models.OneToOneField(
        Booking,
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="waitlist_entry",
        help_text="What was offered",
    )
    freed_at = models.DateTimeField(
        null=True, editable=False, help_text="Since when the offered time stood empty"
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        verbose_name = "waitlist entry"
        verbose_name_plural = "waitlist"
        indexes = [
            models.Index("venue", "id", name="waitlist_by_venue"),
            models.Index("owner", "id", name="waitlist_by_owner"),
            models.Index("updated_at", name="waitlist_by_change"),
            models.Index("venue", name="waitlist_waiting", condition=Q(status=WAITING)),
            models.Index(
                "lapses_at", name="waitlist_lapse", condition=Q(status__in=WAITLIST.blocking)
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(resource__isnull=False, pool=None, service=None)
                | Q(resource=None, pool__isnull=False, service=None)
                | Q(resource=None, pool=None, service__isnull=False),
                name="waitlist_for_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(status__in=WaitlistStatus.values), name="waitlist_status_is_known"
            ),
            models.CheckConstraint(
                condition=Q(
                    duration__gt=timedelta(0),
                    quantity__gte=1,
                    until_at__gte=F("from_at") + F("duration"),
                ),
                name="waitlist_window_has_room",
            ),
            models.CheckConstraint(
                condition=~Q(status=OFFERED) | Q(booking__isnull=False),
                name="waitlist_offered_has_booking",
            ),
            ExclusionConstraint(
                name="waitlist_once_in_line",
                expressions=[
                    ("owner", RangeOperators.EQUAL),
                    *(
                        (Coalesce(thing, Value(0)), RangeOperators.EQUAL)
                        for thing in ("resource", "pool", "service")
                    ),
                    (Span("from_at", "until_at"), RangeOperators.OVERLAPS),
                ],
                condition=Q(status__in=WAITLIST.blocking),
            ),
        ]

    def __str__(self) -> str:
        return f"waitlist entry {self.pk}"


class FreedTime(models.Model):
    """Time that was freed where somebody waits, until the offers of it are made: mostly within the
    transaction that freed it."""

    resource = models.ForeignKey(
        Resource, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    span = DateTimeRangeField()
    since = models.DateTimeField(db_default=Now(), help_text="Since when it has stood empty")

    objects: ClassVar[models.Manager[FreedTime]]

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"freed time {self.pk}"
