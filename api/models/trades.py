"""Trades: two bookings, two people, one swap of owners."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from api.lifecycle import TradeStatus

from .bookings import Booking
from .users import User


class Trade(models.Model):
    requester = models.ForeignKey(User, on_delete=models.PROTECT, related_name="trades_offered")
    target = models.ForeignKey(User, on_delete=models.PROTECT, related_name="trades_received")
    requester_booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="+")
    target_booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(
        max_length=10, choices=TradeStatus.choices, default=TradeStatus.OFFERED
    )
    message = models.TextField(blank=True)
    response_message = models.TextField(blank=True)
    lapses_at = models.DateTimeField(help_text="When the earlier of the two bookings begins")
    responded_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index("lapses_at", name="trade_lapse", condition=Q(status=TradeStatus.OFFERED)),
            *(
                models.Index(side, name=f"trade_{side}", condition=Q(status=TradeStatus.OFFERED))
                for side in ("requester_booking", "target_booking")
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=TradeStatus.values), name="trade_status_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(requester=F("target")), name="trade_has_two_people"
            ),
            models.UniqueConstraint(
                "requester_booking",
                "target_booking",
                condition=Q(status=TradeStatus.OFFERED),
                name="trade_offered_once",
            ),
        ]

    def __str__(self) -> str:
        return f"trade {self.pk}"
