"""Services: what people book without naming a resource ("a cut, with any barber"), and the pools of
resources that a service takes some of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from .resources import Resource
from .venues import MINUTE, Venue


class Pool(models.Model):
    venue = models.ForeignKey(Venue, on_delete=models.PROTECT, related_name="pools")
    name = models.CharField(max_length=200)
    resources = models.ManyToManyField(Resource, related_name="pools")
    retired_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name


class Service(models.Model):
    venue = models.ForeignKey(Venue, on_delete=models.PROTECT, related_name="services")
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    buffer_before = models.DurationField(
        default=timedelta(0),
        db_default=timedelta(0),
        help_text="Or the resource's, if longer",
    )
    buffer_after = models.DurationField(default=timedelta(0), db_default=timedelta(0))
    retired_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now())

    prices: Mapping[timedelta, int]  # by duration, where `queries.venues.services` read the row

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(buffer_before__gte=timedelta(0), buffer_after__gte=timedelta(0)),
                name="service_buffers",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ServiceDuration(models.Model):
    service = models.ForeignKey(
        Service, on_delete=models.CASCADE, related_name="durations", db_index=False
    )
    duration = models.DurationField()
    price_minor = models.PositiveBigIntegerField(
        default=0, help_text="In minor units of the venue's currency"
    )

    class Meta:
        ordering = ["duration"]
        constraints = [
            models.UniqueConstraint("service", "duration", name="service_duration_once"),
            models.CheckConstraint(
                condition=Q(duration__gte=MINUTE), name="service_duration_is_sane"
            ),
        ]

    def __str__(self) -> str:
        return str(self.duration)


class Need(models.Model):
    """How many units of a pool a service takes."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="needs")
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="needs")
    quantity = models.PositiveIntegerField(default=1, db_default=1)

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=Q(quantity__gte=1), name="need_quantity")]

    def __str__(self) -> str:
        return f"{self.quantity} of pool {self.pool_id}"
