"""Venues: a place with a time zone, opening hours and one policy for all its resources.

The policy is read once, when a booking is made, and frozen into the booking's deadlines.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time, timedelta
from ipaddress import ip_network
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from .identifiers import validate_address


class Approval(models.TextChoices):
    NEVER = "never", "Confirmed at once"
    PRIMETIME = "primetime", "Primetime needs approval"
    ALWAYS = "always", "Every booking needs approval"


class SlotRule(models.TextChoices):
    FREE = "free", "Any start and end"
    WHOLE = "whole", "A whole number of slots"
    GRID = "grid", "Whole slots on the grid from opening"


class Joining(models.TextChoices):
    OPEN = "open", "Whoever books becomes a customer"
    INVITED = "invited", "Only its members book"


class CompletionFrom(models.TextChoices):
    START = "start", "After the start"
    END = "end", "After the end"


MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
ZERO = timedelta(0)
AT_LEAST_ONE = MinValueValidator(1)
QUOTAS = (
    *("max_bookings_ahead", "max_hours_a_week", "max_open_requests"),
    "no_shows_before_pause",
)


def validate_network(text: str) -> None:
    """Refuses what is no network in CIDR notation, and the one that everybody is in."""
    try:
        network = ip_network(text)
    except ValueError as error:
        raise ValidationError(f"{text} is no network, such as 192.0.2.0/24.") from error
    if not network.prefixlen:
        raise ValidationError(f"{text} is everybody's network.")


class Venue(models.Model):
    slug = models.SlugField(max_length=50, unique=True)
    name = models.CharField(max_length=200)
    time_zone = models.CharField(max_length=64, default="UTC")
    currency = models.CharField(max_length=3, default="usd")

    joining = models.CharField(
        max_length=8, choices=Joining.choices, default=Joining.OPEN, db_default=Joining.OPEN
    )

    # hours, in local wall time: the week that is valid from the first, where it is the same every
    # day but on the closed weekdays. Null: it is in rows of `Hours`, and so are all later weeks
    opens_at = models.TimeField(default=time(0), null=True, blank=True)
    closes_at = models.TimeField(default=time(0), null=True, blank=True)
    hours_enforced = models.BooleanField(default=True)
    closed_weekdays = ArrayField(
        models.PositiveSmallIntegerField(validators=[MaxValueValidator(6)]),
        default=list,
        blank=True,
        help_text="0 is Monday",
    )
    holidays = models.CharField(
        max_length=10,
        null=True,
        blank=True,
        help_text="Country or part of it (DE-BY, US-CA) on whose public holidays it is closed",
    )
    slot_length = models.DurationField(default=timedelta(hours=1))
    slot_step = models.DurationField(
        default=15 * MINUTE,
        db_default=15 * MINUTE,
        help_text="Between the starts of a service, from each opening",
    )
    slot_rule = models.CharField(max_length=8, choices=SlotRule.choices, default=SlotRule.FREE)

    # policy
    capacity_enforced = models.BooleanField(
        default=True,
        db_default=True,
        help_text="Off: a resource may take more guests than places; analytics count it",
    )
    approval = models.CharField(max_length=10, choices=Approval.choices, default=Approval.NEVER)
    primetime_any_overlap = models.BooleanField(
        default=True, help_text="Off: only a slot wholly inside the window is primetime"
    )
    min_notice = models.DurationField(
        default=ZERO, help_text="Negative: a slot that has begun may still be booked"
    )
    max_advance = models.DurationField(null=True, blank=True)
    same_day_allowed = models.BooleanField(default=True)
    hold_length = models.DurationField(default=timedelta(minutes=30))
    guests = models.BooleanField(
        default=True, db_default=True, help_text="Whether people without an account may book"
    )
    guest_hold = models.DurationField(
        default=15 * MINUTE, db_default=15 * MINUTE, help_text="Until a guest has confirmed"
    )
    max_open_holds = models.PositiveIntegerField(default=50, help_text="Per person")
    # quotas, of each person; null: none
    max_bookings_ahead = models.PositiveIntegerField(
        null=True, blank=True, validators=[AT_LEAST_ONE]
    )
    max_hours_a_week = models.DurationField(null=True, blank=True)
    max_open_requests = models.PositiveIntegerField(
        null=True, blank=True, validators=[AT_LEAST_ONE]
    )
    no_shows_before_pause = models.PositiveIntegerField(
        null=True, blank=True, validators=[AT_LEAST_ONE]
    )
    pause_length = models.DurationField(null=True, blank=True)
    check_in_required = models.BooleanField(default=False)
    check_in_opens_before = models.DurationField(default=15 * MINUTE)
    check_in_closes_after = models.DurationField(default=15 * MINUTE)
    no_show_grace = models.DurationField(default=15 * MINUTE)
    grace_from_booking = models.BooleanField(
        default=True,
        db_default=True,
        help_text="Off: the grace of what is booked after it began counts from its start",
    )
    series_no_show_limit = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="So many no-shows end a series; none: it goes on",
    )
    completion_from = models.CharField(
        max_length=5, choices=CompletionFrom.choices, default=CompletionFrom.END
    )
    completion_after = models.DurationField(default=ZERO)
    remind_before = models.DurationField(null=True, blank=True)
    refund_until = models.DurationField(
        default=timedelta(hours=24), help_text="Cancelled at least this long before: all back"
    )
    late_refund_percent = models.PositiveSmallIntegerField(
        default=0, validators=[MaxValueValidator(100)]
    )

    panel_networks = ArrayField(
        models.CharField(max_length=43, validators=[validate_network]),
        default=list,
        db_default=[],
        blank=True,
        help_text="Networks (CIDR) whose panels need no token; none: all panels need theirs",
    )

    # people
    second_factor_required = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Staff and admins who signed in without one may do there what customers may",
    )
    retention = models.DurationField(
        null=True,
        blank=True,
        help_text="So long after a booking its people are forgotten; none: never",
    )
    consent_version = models.PositiveIntegerField(
        default=0, db_default=0, editable=False, help_text="Of its present text; 0 for none"
    )

    # emails
    send_confirmation_emails = models.BooleanField(default=True)
    admin_email = models.EmailField(blank=True, validators=[validate_address])
    wording = models.CharField(
        max_length=20, blank=True, help_text="Folder of email_templates that is looked in first"
    )

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    rules_version = models.BigIntegerField(
        default=0,
        editable=False,
        help_text="New by trigger whenever the venue, its windows, hours or resources change",
    )

    affected: Sequence[Any] = ()  # the bookings that the change of the row put under review

    class Meta:
        ordering = ["slug"]
        constraints = [
            models.CheckConstraint(
                condition=Q(approval__in=Approval.values), name="venue_approval_is_known"
            ),
            models.CheckConstraint(
                condition=Q(joining__in=Joining.values), name="venue_joining_is_known"
            ),
            models.CheckConstraint(
                condition=Q(slot_rule__in=SlotRule.values), name="venue_slot_rule_is_known"
            ),
            models.CheckConstraint(
                condition=Q(completion_from__in=CompletionFrom.values),
                name="venue_completion_is_known",
            ),
            models.CheckConstraint(
                condition=Q(slot_length__gte=MINUTE)
                & Q(slot_step__gte=MINUTE)
                & Q(hold_length__gt=ZERO)
                & Q(guest_hold__gt=ZERO)
                & Q(no_show_grace__gte=ZERO)
                & Q(completion_after__gte=ZERO)
                & Q(check_in_opens_before__gte=ZERO)
                & Q(check_in_closes_after__gte=ZERO)
                & Q(refund_until__gte=ZERO),
                name="venue_durations_are_sane",
            ),
            models.CheckConstraint(
                condition=Q(retention=None) | Q(retention__gte=DAY), name="venue_retention"
            ),
            models.CheckConstraint(
                condition=Q(late_refund_percent__lte=100), name="venue_refund_percent"
            ),
            *(
                models.CheckConstraint(
                    condition=Q(**{f"{name}__isnull": True}) | Q(**{f"{name}__gt": least}),
                    name=f"venue_{name}",
                )
                for name, least in (
                    *((name, 0) for name in QUOTAS if name != "max_hours_a_week"),
                    *(("max_hours_a_week", ZERO), ("pause_length", ZERO)),
                )
            ),
            models.CheckConstraint(
                condition=Q(no_shows_before_pause=None) | Q(pause_length__isnull=False),
                name="venue_pause_has_a_length",
            ),
            models.CheckConstraint(
                condition=Q(series_no_show_limit=None) | Q(series_no_show_limit__gte=1),
                name="venue_series_no_show_limit",
            ),
            models.CheckConstraint(
                condition=Q(opens_at__isnull=True, closes_at__isnull=True)
                | Q(opens_at__isnull=False, closes_at__isnull=False),
                name="venue_hours_are_a_pair",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class PrimetimeWindow(models.Model):
    """A weekly window, in the venue's wall time, in which bookings need approval. One that ends at
    00:00 lasts until the midnight that ends the day."""

    venue = models.ForeignKey(Venue, on_delete=models.CASCADE, related_name="primetime")
    weekday = models.PositiveSmallIntegerField(help_text="0 is Monday")
    starts_at = models.TimeField()
    ends_at = models.TimeField()
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["venue", "weekday"]
        constraints = [
            models.UniqueConstraint("venue", "weekday", name="primetime_one_a_weekday"),
            models.CheckConstraint(condition=Q(weekday__lte=6), name="primetime_weekday"),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")) | Q(ends_at=time(0)),
                name="primetime_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.weekday} {self.starts_at}-{self.ends_at}"
