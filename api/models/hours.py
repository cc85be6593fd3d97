"""When venues and resources are open: weeks, and the dates on which these do not hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time
from typing import Any, ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Coalesce

from .resources import Resource
from .venues import Venue

WEEKDAYS = tuple(
    enumerate(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"))
)
BIGINT = models.BigIntegerField()


class Hours(models.Model):
    """One span of a week, of a venue or of one of its resources. Rows with the same `valid_from`
    are one week, which replaces the one before; a single row without a weekday is an empty week.

    Closing at 00:00 is midnight, before opening is the next day; 00:00 to 00:00 is the whole day.
    """

    venue = models.ForeignKey(Venue, on_delete=models.CASCADE, related_name="hours")
    resource = models.ForeignKey(
        Resource, null=True, blank=True, on_delete=models.CASCADE, related_name="own_hours"
    )
    valid_from = models.DateField(
        null=True, blank=True, help_text="The first date of this week; empty: always"
    )
    weekday = models.PositiveSmallIntegerField(
        null=True, blank=True, choices=WEEKDAYS, help_text="None: no hours at all from that date on"
    )
    opens_at = models.TimeField(null=True, blank=True)
    closes_at = models.TimeField(null=True, blank=True, help_text="00:00 is midnight")

    class Meta:
        verbose_name_plural = "hours"
        ordering = [
            "venue",
            "resource",
            F("valid_from").asc(nulls_first=True),
            "weekday",
            "opens_at",
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["venue", "resource", "valid_from", "weekday", "opens_at"],
                nulls_distinct=False,
                name="hours_once",
            ),
            models.CheckConstraint(
                condition=Q(weekday__isnull=True, opens_at__isnull=True, closes_at__isnull=True)
                | Q(weekday__lte=6, opens_at__isnull=False, closes_at__isnull=False),
                name="hours_are_whole",
                violation_error_message="Give weekday, opening and closing, or none of them.",
            ),
            models.CheckConstraint(
                condition=~Q(opens_at=F("closes_at")) | Q(opens_at=time(0)),
                name="hours_take_time",
                violation_error_message="Opens and closes at the same time; the whole day is 00:00"
                " to 00:00.",
            ),
        ]

    def __str__(self) -> str:
        if self.weekday is None or self.opens_at is None or self.closes_at is None:
            return "no hours"
        return f"{WEEKDAYS[self.weekday][1]} {self.opens_at:%H:%M}-{self.closes_at:%H:%M}"


class HoursException(models.Model):
    """Local dates, first to last inclusive, on which a venue or a resource has other hours than
    its week gives it: `hours` are pairs of wall times, none for closed."""

    venue = models.ForeignKey(Venue, on_delete=models.CASCADE, related_name="exceptions")
    resource = models.ForeignKey(
        Resource, null=True, blank=True, on_delete=models.CASCADE, related_name="own_exceptions"
    )
    first_on = models.DateField()
    last_on = models.DateField()
    hours: Any = models.JSONField(default=list, blank=True)
    reason = models.CharField(max_length=200, blank=True)

    affected: Sequence[Any] = ()  # as of a venue

    class Meta:
        verbose_name = "exception"
        ordering = ["venue", "first_on"]
        constraints = [
            models.CheckConstraint(
                condition=Q(last_on__gte=F("first_on")),
                name="exception_ends_after_start",
                violation_error_message="It must not end before the first day.",
            ),
            ExclusionConstraint(
                name="exception_one_a_date",
                violation_error_message="There is an exception on one of these dates.",
                expressions=[
                    ("venue", RangeOperators.EQUAL),
                    (
                        Coalesce("resource", Value(0, models.BigIntegerField())),
                        RangeOperators.EQUAL,
                    ),
                    (
                        Func(F("first_on"), F("last_on"), Value("[]"), function="daterange"),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_on} to {self.last_on}"

    @property
    def spans(self) -> list[tuple[time, time]]:
        return [
            (time.fromisoformat(opens), time.fromisoformat(closes)) for opens, closes in self.hours
        ]


class ClosureManager(models.Manager["Closure"]):
    def get_queryset(self) -> models.QuerySet[Closure]:
        return super().get_queryset().filter(resource=None, hours=[])


class Closure(HoursException):
    """An exception of a venue that is closed all day."""

    objects: ClassVar[ClosureManager] = ClosureManager()

    class Meta:
        proxy = True
        verbose_name = "closure"
