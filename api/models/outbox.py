"""The outbox: everything that leaves the system is a row here, written with its cause."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from .bookings import Booking
from .leases import LeasedRow


class Kind(models.TextChoices):
    EMAIL = "email", "E-mail"
    CANCEL_INTENT = "cancel_intent", "Cancel a payment intent"
    REFUND = "refund", "Refund"


class State(models.TextChoices):
    WAITING = "waiting", "Waiting"
    SENDING = "sending", "Being sent"
    SENT = "sent", "Sent"
    WITHHELD = "withheld", "Withheld"
    PARKED = "parked", "Parked after the last attempt"


class Delivery(LeasedRow):
    key = models.CharField(max_length=200, help_text="One effect, one key")
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.EMAIL)
    name = models.CharField(max_length=40, help_text="Which e-mail or call")
    booking = models.ForeignKey(
        Booking,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="deliveries",
        db_index=False,
    )
    to = models.CharField(max_length=254, blank=True)
    payload = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    created_at = models.DateTimeField(db_default=Now())
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ["-id"]
        indexes = [
            models.Index(
                "due_at",
                name="delivery_due",
                condition=Q(state__in=[State.WAITING.value, State.SENDING.value]),
            ),
            models.Index("booking", name="delivery_by_booking"),
            # what one address gets within an hour
            models.Index("to", "created_at", name="delivery_to", condition=Q(kind="email")),
            models.Index("kind", name="delivery_parked", condition=Q(state=State.PARKED.value)),
            models.Index(
                "finished_at", name="delivery_finished", condition=Q(finished_at__isnull=False)
            ),
        ]
        constraints = [
            # unlike `unique=True`, without a second index for LIKE
            models.UniqueConstraint(fields=["key"], name="delivery_once"),
            models.CheckConstraint(
                condition=Q(state__in=State.values), name="delivery_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=Kind.values), name="delivery_kind_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.key

    def log_fields(self) -> dict[str, str]:
        """Log the id of the request that caused it, not that of the task that sends it."""
        return {"key": self.key, "kind": self.kind, "request_id": self.request_id}
