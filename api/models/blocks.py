"""Blocks: times at which staff keep a resource from being booked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.postgres.fields import ArrayField, DateTimeRangeField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from .resources import Resource
from .users import User


class Block(models.Model):
    """Takes all units of a resource. Its allocations cover what is free; what a booking still has
    they wait for, without blocking, and get it the moment that the booking leaves."""

    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="blocks")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    rule = models.CharField(
        max_length=200,
        blank=True,
        help_text="When it comes again (RFC 5545)",
    )
    repeats = ArrayField(
        DateTimeRangeField(), default=list, db_default=[], help_text="The later ones of its rule"
    )
    reason = models.CharField(max_length=200, blank=True)
    created_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now())

    affected: Sequence[Any] = ()  # the bookings that it put under review

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="block_ends_after_start"
            )
        ]

    def __str__(self) -> str:
        return self.reason or f"block {self.pk}"

    @property
    def last_ends_at(self) -> Any:
        """The end of its last time."""
        return self.repeats[-1].upper if self.repeats else self.ends_at
