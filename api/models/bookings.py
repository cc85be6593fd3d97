"""Bookings: a row with a status, a few deadlines, and people who may push it.

What a booking occupies are its allocations, which carry the guard against a second sale.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import F, Func, OuterRef, Q
from django.db.models.functions import Now
from django.db.models.lookups import GreaterThan

from api.effective_status import build_current_q, build_may_become_due_q
from api.lifecycle import BOOKING, ActorRole, Status

from .guests import Guest
from .resources import Resource
from .series import Series
from .services import Service
from .users import User
from .venues import Venue


class Span(Func):
    """`tstzrange(start, end)`: the end belongs to the next one."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


class PaymentStatus(models.TextChoices):
    NONE = "none", "Nothing to pay"
    PENDING = "pending", "Not paid yet"
    PROCESSING = "processing", "Payment begun"
    SUCCEEDED = "succeeded", "Paid"
    FAILED = "failed", "Payment failed"
    PARTLY_REFUNDED = "partly_refunded", "Partly paid back"
    REFUNDED = "refunded", "Paid back"


PAID_STATUSES = (PaymentStatus.SUCCEEDED, PaymentStatus.PARTLY_REFUNDED)


class BookingQuerySet(models.QuerySet["Booking"]):
    def overlapping(self, starts_at: datetime, ends_at: datetime) -> Self:
        """Rows that share at least an instant with the half-open interval."""
        return self.filter(starts_at__lt=ends_at, ends_at__gt=starts_at)

    def occupying(self, resources: Any, starts_at: Any, ends_at: Any) -> Self:
        """Rows that occupy one of these resources within the interval, buffers included, each with
        the resource as `place`: once for every unit. `resources` are ids, a query of them, or a
        reference to an outer one. `blocking` is to follow."""
        which = "" if isinstance(resources, OuterRef) else "__in"
        return self.filter(
            **{f"allocations__resource{which}": resources},
            allocations__blocking=True,
            allocations__span__overlap=Span(starts_at, ends_at),
        ).annotate(place=F("allocations__resource_id"))

    def blocking(self) -> Self:
        """Rows that block their slot now: what the clock should already have ended does not,
        whether or not its sweep has run."""
        return self.filter(build_current_q(BOOKING, *BOOKING.blocking))


class Booking(models.Model):
    # no index of their own: those below begin with them
    venue = models.ForeignKey(
        Venue, on_delete=models.PROTECT, related_name="bookings", db_index=False
    )
    resource = models.ForeignKey(
        Resource, on_delete=models.PROTECT, related_name="bookings", db_index=False
    )
    # an account, or a guest
    owner = models.ForeignKey(
        User, null=True, on_delete=models.PROTECT, related_name="bookings", db_index=False
    )
    guest_name = models.CharField(max_length=150, blank=True, default="", db_default="")
    guest_email = models.EmailField(max_length=254, blank=True, default="", db_default="")
    guest_key = models.CharField(max_length=254, editable=False, default="", db_default="")
    guest_confirmed_at = models.DateTimeField(null=True, blank=True, editable=False)
    # what the link of the letter is signed with; empty: there is none that opens it
    guest_link = models.CharField(max_length=22, editable=False, default="", db_default="")
    title = models.CharField(max_length=255, blank=True)
    notes = models.TextField(blank=True)
    guests = models.PositiveIntegerField(default=1, help_text="People expected")
    quantity = models.PositiveIntegerField(
        default=1, db_default=1, help_text="Units of each resource"
    )
    several = models.BooleanField(
        default=False, db_default=False, help_text="Whether it takes other resources too"
    )
    service = models.ForeignKey(
        Service, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    series = models.ForeignKey(
        Series,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="bookings",
        db_index=False,
    )
    recurrence_id = models.DateTimeField(
        null=True, blank=True, help_text="When the rule of the series has it"
    )
    attendees = models.ManyToManyField(User, related_name="invited_to", blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status.choices)
    primetime = models.BooleanField(default=False)

    # deadlines, frozen when the booking is made or moved; instants
    offer_expires_at = models.DateTimeField(null=True, blank=True)
    hold_expires_at = models.DateTimeField(null=True, blank=True)
    lapses_at = models.DateTimeField(null=True, blank=True)
    check_in_opens_at = models.DateTimeField(null=True, blank=True)
    check_in_closes_at = models.DateTimeField(null=True, blank=True)
    no_show_at = models.DateTimeField(null=True, blank=True)
    completes_at = models.DateTimeField(null=True, blank=True)
    remind_at = models.DateTimeField(null=True, blank=True)

    price_minor = models.PositiveBigIntegerField(default=0)
    currency = models.CharField(max_length=3, blank=True)
    payment_status = models.CharField(
        max_length=20, choices=PaymentStatus.choices, default=PaymentStatus.NONE
    )
    approved_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    rejection_reason = models.TextField(blank=True)
    checked_in_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    held_from = models.CharField(
        max_length=16, default="", db_default="", editable=False, help_text="Mark of an address"
    )
    contract = models.CharField(max_length=20, blank=True, help_text="The door it came through")
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    places: list[tuple[int, int]]  # resource and unit of each, where a service knows them
    now: datetime  # the database's clock, where a service read the row with it

    objects: ClassVar[models.Manager[Booking]] = BookingQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index("owner", "starts_at", name="booking_by_owner"),
            models.Index("guest_key", name="booking_by_guest", condition=Q(owner__isnull=True)),
            models.Index("venue", "starts_at", name="booking_by_venue"),
            models.Index("resource", "starts_at", name="booking_by_resource"),
            models.Index("starts_at", "id", name="booking_by_start"),
            models.Index("service", name="booking_by_service", condition=Q(service__isnull=False)),
            models.Index(
                "series",
                "recurrence_id",
                name="booking_by_series",
                condition=Q(series__isnull=False),
            ),
            models.Index(
                "approved_by",
                name="booking_by_approver",
                condition=Q(approved_by__isnull=False),
            ),
            models.Index(
                "resource",
                "starts_at",
                name="booking_long",
                condition=Q(GreaterThan(F("ends_at") - F("starts_at"), timedelta(days=1))),
            ),
            models.Index(
                "remind_at",
                name="booking_remind",
                condition=Q(status=Status.CONFIRMED, remind_at__isnull=False),
            ),
            *(
                models.Index(
                    move.deadline,
                    name=f"booking_{move.name}",
                    condition=build_may_become_due_q(move),
                )
                for move in BOOKING.time_driven
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gte=1), name="booking_quantity"),
            models.CheckConstraint(
                condition=Q(series__isnull=True, recurrence_id__isnull=True)
                | Q(series__isnull=False, recurrence_id__isnull=False),
                name="booking_of_series",
            ),
            models.CheckConstraint(
                condition=Q(owner__isnull=False, guest_email="", guest_key="", guest_name="")
                | (Q(owner__isnull=True) & ~Q(guest_email="") & ~Q(guest_key="")),
                name="booking_owner_or_guest",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="booking_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(status__in=Status.values), name="booking_status_is_known"
            ),
            models.CheckConstraint(
                condition=Q(payment_status__in=PaymentStatus.values),
                name="booking_payment_status_is_known",
            ),
            *(
                models.CheckConstraint(
                    condition=~Q(status=status) | Q(**{f"{column}__isnull": False}),
                    name=f"booking_{status}_has_{column}",
                )
                for status, column in (
                    (Status.OFFERED.value, "offer_expires_at"),
                    (Status.HELD.value, "hold_expires_at"),
                    (Status.PENDING.value, "lapses_at"),
                    (Status.CONFIRMED.value, "completes_at"),
                    (Status.CHECKED_IN.value, "completes_at"),
                    (Status.CHECKED_IN.value, "checked_in_at"),
                )
            ),
        ]

    def __str__(self) -> str:
        return f"booking {self.pk}"

    @property
    def person(self) -> User | Guest:
        """Whose booking it is."""
        return self.owner or Guest(self.guest_name, self.guest_email, self.guest_confirmed_at)

    @property
    def awaits_payment(self) -> bool:
        return self.status == Status.HELD and not self.awaits_guest

    @property
    def awaits_guest(self) -> bool:
        """Whether a guest has still to confirm it by the link of the letter."""
        return self.owner_id is None and self.guest_confirmed_at is None


class BookingEvent(models.Model):
    """One line of a booking's history: who or which job did what, when, and why. Whatever writes
    one stamps the booking's `updated_at` too."""

    booking = models.ForeignKey(
        Booking, on_delete=models.CASCADE, related_name="events", db_index=False
    )
    verb = models.CharField(max_length=20)
    from_status = models.CharField(max_length=10, blank=True)
    to_status = models.CharField(max_length=10)
    by = models.CharField(max_length=12, choices=ActorRole.choices)
    actor = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    actor_name = models.CharField(max_length=120, blank=True, help_text="The job, panel or key")
    details = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index("booking", "id", name="event_by_booking")]

    def __str__(self) -> str:
        return f"{self.verb} of {self.booking_id}"
