"""The rows. Whatever the database can refuse, it refuses here; rules that need a clock or a
person are in `services`."""

from . import lookups as lookups
from .allocations import Allocation
from .analytics import DayRollup, Export, MonthRollup, OutdatedPeriod
from .automation import Heartbeat, Job, JobFailure
from .blocks import Block
from .bookings import Booking, BookingEvent
from .idempotency import IdempotencyKey
from .outbox import Delivery
from .panels import Panel
from .payments import Dispute, Payment, Refund, StripeEvent
from .resources import Resource
from .reviews import Review, RulesReview
from .trades import Trade
from .users import AccountChange, User, UserProfile
from .venues import Closure, PrimetimeWindow, Venue

__all__ = [
    "AccountChange",
    "Allocation",
    "Block",
    "Booking",
    "BookingEvent",
    "Closure",
    "DayRollup",
    "Delivery",
    "Dispute",
    "Export",
    "Heartbeat",
    "IdempotencyKey",
    "Job",
    "JobFailure",
    "MonthRollup",
    "OutdatedPeriod",
    "Panel",
    "Payment",
    "PrimetimeWindow",
    "Refund",
    "Resource",
    "Review",
    "RulesReview",
    "StripeEvent",
    "Trade",
    "User",
    "UserProfile",
    "Venue",
]
