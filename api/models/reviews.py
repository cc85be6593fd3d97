"""Reviews: bookings that a rule was changed under, and what staff decided about them.

The rule: a booking ahead either fits the rules of its venue and resource, or has a review that is
open or was decided to keep it.
"""

from __future__ import annotations

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from .bookings import Booking
from .users import User
from .venues import Venue


class Decision(models.TextChoices):
    KEEP = "keep", "Kept as it is"
    MOVE = "move", "Moved"
    CANCEL = "cancel", "Cancelled"
    FITS = "fits", "Fits again"  # nobody's decision


class Review(models.Model):
    booking = models.ForeignKey(Booking, on_delete=models.CASCADE, related_name="reviews")
    code = models.CharField(max_length=40, help_text="Of the rule, as in a refusal")
    detail = models.CharField(max_length=400, help_text="The rule, for people")
    created_at = models.DateTimeField(db_default=Now())
    decision = models.CharField(max_length=6, choices=Decision.choices, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    reason = models.TextField(blank=True)
    broken = ArrayField(
        models.CharField(max_length=60),
        default=list,
        blank=True,
        help_text="Keys of all rules that the booking breaks, as it was looked through last; of one"
        " that is kept those that it is kept against, for as long as it breaks them",
    )

    now: datetime  # the database's clock, where a query read the row with it

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                "booking",
                name="review_one_open_a_booking",
                condition=Q(decided_at__isnull=True),
            ),
            models.CheckConstraint(
                condition=Q(decision="", decided_at__isnull=True)
                | Q(decision__in=Decision.values, decided_at__isnull=False),
                name="review_decision_has_its_time",
            ),
        ]

    def __str__(self) -> str:
        return f"review {self.pk} of booking {self.booking_id}"


class RulesReview(models.Model):
    """Up to which version of a venue's rules its bookings were looked through, and the time zone
    that their owners know. Made by a trigger with its venue."""

    venue = models.OneToOneField(Venue, on_delete=models.CASCADE, primary_key=True)
    version = models.BigIntegerField(default=0)
    time_zone = models.CharField(max_length=64)
    reviewed_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"rules of venue {self.venue_id}"
