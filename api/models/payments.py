"""Money: intents at Stripe, refunds, and each webhook once. Amounts are minor units."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from .bookings import Booking
from .leases import LeasedRow
from .users import User


class Payment(models.Model):
    """One attempt at paying a booking: a PaymentIntent. `status` is Stripe's word."""

    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="payments")
    attempt = models.PositiveIntegerField(default=1)
    intent_id = models.CharField(max_length=255, null=True, blank=True, unique=True)
    client_secret = models.CharField(max_length=255, blank=True)
    # Stripe's own page for it, whose intent is known once somebody pays there
    checkout_id = models.CharField(max_length=255, blank=True, default="", db_default="")
    checkout_url = models.TextField(blank=True, default="", db_default="")
    amount_minor = models.PositiveBigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=40, default="requires_payment_method")
    method = models.CharField(max_length=255, blank=True)
    last_error = models.TextField(blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint("booking", "attempt", name="payment_attempt_once"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payment_amount"),
        ]

    def __str__(self) -> str:
        return self.intent_id or f"payment {self.pk}"

    @property
    def matches_price(self) -> bool:
        """Whether it is for what the booking costs now."""
        booking = self.booking
        return (self.amount_minor, self.currency) == (booking.price_minor, booking.currency)


class Refund(models.Model):
    """Money that goes back, wherever that was decided. `key` says what for: one effect, one key.

    `up_to_minor`: how much is to be given back of the payment in all, if a rule decided it."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    key = models.CharField(max_length=200, unique=True)
    amount_minor = models.PositiveBigIntegerField()
    up_to_minor = models.PositiveBigIntegerField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    stripe_id = models.CharField(max_length=255, blank=True)
    status = models.CharField(max_length=20, default="waiting")
    by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="refund_amount")
        ]

    def __str__(self) -> str:
        return self.key


class Dispute(models.Model):
    """A payment that the customer's bank takes back, or asks about. `status` is Stripe's word."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="disputes")
    stripe_id = models.CharField(max_length=255, unique=True)
    amount_minor = models.PositiveBigIntegerField()
    reason = models.CharField(max_length=100, blank=True)
    status = models.CharField(max_length=40)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.stripe_id


class StripeEvent(LeasedRow):
    """A webhook whose signature was right, until a task has processed it."""

    event_id = models.CharField(max_length=255, unique=True)
    type = models.CharField(max_length=100)
    intent_id = models.CharField(max_length=255, blank=True)
    payload = models.JSONField(default=dict)
    state = models.CharField(max_length=10, default="waiting")
    received_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                "due_at", name="stripe_event_due", condition=Q(state__in=["waiting", "working"])
            ),
        ]

    def __str__(self) -> str:
        return self.event_id
