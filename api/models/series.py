"""Series: a booking that comes again by a rule. Its occurrences are ordinary bookings."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from .resources import Resource
from .services import Service
from .users import User
from .venues import Venue

ZERO = timedelta(0)


class OnConflict(models.TextChoices):
    REFUSE = "refuse", "All of it or nothing"
    SKIP = "skip", "Without those that are taken or refused"
    NEAREST = "nearest", "What is taken moves to the nearest free time"


class Outcome(models.TextChoices):
    """What comes of an occurrence."""

    BOOKED = "booked", "Booked"
    WOULD_BOOK = "would_book", "Would be booked"
    MOVED = "moved", "At another time than the rule says"
    TAKEN = "taken", "Somebody else has the time"
    REFUSED = "refused", "A rule of the venue refuses it"
    LATER = "later", "Booked once it is near enough"


class EndedBecause(models.TextChoices):
    CANCELLED = "cancelled", "It was cancelled"
    NO_SHOWS = "no_shows", "Nobody came too often"


class Series(models.Model):
    """A rule, the wall time of its first occurrence, and what each of them books.

    `recurrence_id` of a booking is the instant at which the rule has the occurrence. It stays when
    the bookings are moved: `shift` is by how much wall time the whole series was."""

    venue = models.ForeignKey(Venue, on_delete=models.PROTECT, related_name="series")
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="series")
    rule = models.CharField(max_length=500, help_text="When it comes again (RFC 5545)")
    first_on = models.DateField(help_text="Local date of the first occurrence")
    first_at = models.TimeField(help_text="Its wall time")
    duration = models.DurationField()
    zone_name = models.CharField(max_length=64, help_text="The venue's when it was made")
    exdates = ArrayField(models.DateTimeField(), default=list, db_default=[], blank=True)
    rdates = ArrayField(models.DateTimeField(), default=list, db_default=[], blank=True)
    shift = models.DurationField(default=ZERO, db_default=ZERO, help_text="In wall time")
    on_conflict = models.CharField(max_length=7, choices=OnConflict.choices)

    # what each books
    resource = models.ForeignKey(
        Resource, null=True, blank=True, on_delete=models.PROTECT, related_name="series"
    )
    others = ArrayField(models.BigIntegerField(), default=list, db_default=[], blank=True)
    service = models.ForeignKey(
        Service, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    prefer = ArrayField(models.BigIntegerField(), default=list, db_default=[], blank=True)
    quantity = models.PositiveIntegerField(default=1)
    title = models.CharField(max_length=255, blank=True)
    notes = models.TextField(blank=True)
    guests = models.PositiveIntegerField(default=1)
    attendees = ArrayField(models.BigIntegerField(), default=list, db_default=[], blank=True)
    contract = models.CharField(max_length=20, blank=True)

    # outcome and code of what is not booked, by its recurrence id
    missed = models.JSONField(default=dict, db_default={}, blank=True)
    later_from = models.DateTimeField(
        null=True, blank=True, help_text="The first occurrence that is booked later"
    )
    extends_at = models.DateTimeField(
        null=True, blank=True, help_text="When the next of these can be booked"
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_because = models.CharField(max_length=9, choices=EndedBecause.choices, blank=True)
    ended_bookings = ArrayField(
        models.BigIntegerField(),
        default=list,
        db_default=[],
        blank=True,
        help_text="What was cancelled when too many did not come",
    )
    no_shows_forgiven = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Those before it was resumed"
    )
    # a dry run is booked once
    dry_run = models.CharField(max_length=32, null=True, unique=True, editable=False)
    version = models.PositiveIntegerField(default=1, db_default=1)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        verbose_name = verbose_name_plural = "series"
        indexes = [
            models.Index(
                "extends_at",
                name="series_extends",
                condition=Q(extends_at__isnull=False, ended_at__isnull=True),
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(duration__gt=ZERO), name="series_has_length"),
            models.CheckConstraint(
                condition=Q(on_conflict__in=OnConflict.values), name="series_on_conflict_is_known"
            ),
            models.CheckConstraint(
                condition=Q(resource__isnull=False) | Q(service__isnull=False),
                name="series_of_something",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_because="")
                | Q(ended_at__isnull=False, ended_because__in=EndedBecause.values),
                name="series_ended_because",
            ),
        ]

    def __str__(self) -> str:
        return f"series {self.pk}"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone_name)

    @property
    def first(self) -> datetime:
        """The wall time of the first occurrence."""
        return datetime.combine(self.first_on, self.first_at)
