"""Money: intents at Stripe, refunds, and each webhook once. Amounts are minor units."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from .bookings import Booking
from .users import User


class Payment(models.Model):
    """One attempt at paying a booking: a PaymentIntent. `status` is Stripe's word."""

    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="payments")
    attempt = models.PositiveIntegerField(default=1)
    intent_id = models.CharField(max_length=255, null=True, blank=True, unique=True)
    client_secret = models.CharField(max_length=255, blank=True)
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


class Refund(models.Model):
    """Money on its way back. `key` is also Stripe's idempotency key: one effect, one key."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    key = models.CharField(max_length=200, unique=True)
    amount_minor = models.PositiveBigIntegerField()
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


class StripeEvent(models.Model):
    """A webhook that was received and signed right; worked on by a task through this row."""

    event_id = models.CharField(max_length=255, unique=True)
    type = models.CharField(max_length=100)
    intent_id = models.CharField(max_length=255, blank=True)
    payload = models.JSONField(default=dict)
    state = models.CharField(max_length=10, default="waiting")
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now())
    received_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index("due_at", name="stripe_event_due", condition=Q(state="waiting")),
        ]

    def __str__(self) -> str:
        return self.event_id
