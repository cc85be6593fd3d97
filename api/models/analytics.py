"""Sums stored per resource and period, so that a year is answered without reading its bookings,
and the files made of them.

A row of sums is only ever a shortcut: it holds while its `basis` and `capacity` are those of today
and no `OutdatedPeriod` touches it. Whatever has no row that holds is counted from the bookings.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from .leases import LeasedRow
from .resources import Resource
from .users import User

# A local date is summed up when it is this long over. The triggers pass over bookings that began
# less than twelve hours ago; no transaction lasts the hour in between.
SETTLED = timedelta(hours=13)


class Sums(models.Model):
    """What `queries.analytics.aggregates` counts, over one period of local dates."""

    resource = models.ForeignKey(
        Resource, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    starts_on = models.DateField()
    basis = models.BigIntegerField(help_text="The hours and bounds it was counted with")
    capacity = models.IntegerField(help_text="The capacity it was counted with")
    bookings = models.IntegerField()
    no_shows = models.IntegerField()
    wasted = models.DurationField()
    attendees = models.BigIntegerField()
    units = models.BigIntegerField()
    oversized = models.IntegerField()
    undersized = models.IntegerField()
    booked = models.DurationField()
    starts = ArrayField(models.IntegerField(), help_text="Bookings by hour of their start")
    heat = ArrayField(models.IntegerField(), help_text="Booked seconds by hour of the wall clock")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.resource_id} from {self.starts_on}"


class DayRollup(Sums):
    """A local date; `heat` has 24 hours."""

    class Meta:
        constraints = [models.UniqueConstraint("starts_on", "resource", name="day_rollup_once")]


class MonthRollup(Sums):
    """A calendar month whose days are all summed up; `heat` has seven weekdays of 24 hours."""

    class Meta:
        constraints = [models.UniqueConstraint("starts_on", "resource", name="month_rollup_once")]


class OutdatedPeriod(models.Model):
    """Sums of that resource in periods that the interval touches are outdated. Written by
    triggers on bookings, in the transaction of the change. Rows
    are only added, and removed by the roll-up that saw them: none is lost between two writers."""

    resource = models.ForeignKey(
        Resource, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.resource_id} {self.starts_at}"


class Figure(models.TextChoices):
    KPI = "kpi", "Key figures"
    UTILIZATION = "utilization", "Utilization"
    GHOSTING = "ghosting", "Ghosting"
    CAPACITY = "capacity", "Capacity"
    HEAT_MAP = "heat_map", "Booked hours by weekday and hour"


class Format(models.TextChoices):
    CSV = "csv", "CSV"
    PDF = "pdf", "PDF"


class ExportState(models.TextChoices):
    WAITING = "waiting", "Waiting for a worker"
    WORKING = "working", "Being made"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"


class Export(LeasedRow):
    """A file of figures that somebody requested and a worker makes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    figure = models.CharField(max_length=12, choices=Figure.choices)
    format = models.CharField(max_length=4, choices=Format.choices)
    venue_slug = models.CharField(max_length=50, blank=True)
    venues = ArrayField(
        models.BigIntegerField(), null=True, help_text="Ids of whose figures they are; null: all"
    )
    first_on = models.DateField()
    last_on = models.DateField()
    requested_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=8, choices=ExportState.choices, default=ExportState.WAITING)
    progress = models.PositiveSmallIntegerField(default=0, help_text="Percent")
    content = models.BinaryField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(
                "due_at", name="export_due", condition=Q(state__in=["waiting", "working"])
            ),
            models.Index("created_at", name="export_age"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=ExportState.values), name="export_state_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(state=ExportState.READY) | Q(content__isnull=False),
                name="export_ready_has_content",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.figure}.{self.format} {self.first_on} to {self.last_on}"
