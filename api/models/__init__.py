"""The rows. Whatever the database can refuse, it refuses here; rules that need a clock or a
person are in `services`."""

from . import lookups as lookups
from .allocations import Allocation
from .analytics import DayRollup, Export, MonthRollup, OutdatedPeriod
from .audit import AuditEntry, AuditSeal
from .automation import Heartbeat, Job, JobFailure
from .blocks import Block
from .bookings import Booking, BookingEvent
from .consents import Consent, ConsentText
from .guests import Guest
from .hours import Closure, Hours, HoursException
from .idempotency import IdempotencyKey
from .keys import ApiKey, KeyCaller
from .memberships import Invitation, Membership
from .outbox import Delivery
from .panels import Panel
from .payments import Dispute, Payment, Refund, StripeEvent
from .resources import Resource
from .reviews import Review, RulesReview
from .roles import Caller, Nobody, Role
from .series import Series
from .services import Need, Pool, Service, ServiceDuration
from .trades import Trade
from .user_sessions import UserSession
from .users import AccountChange, User, UserProfile
from .venues import PrimetimeWindow, Venue
from .waitlist import FreedTime, WaitlistEntry

__all__ = [
    "AccountChange",
    "Allocation",
    "ApiKey",
    "AuditEntry",
    "AuditSeal",
    "Block",
    "Booking",
    "BookingEvent",
    "Caller",
    "Closure",
    "Consent",
    "ConsentText",
    "DayRollup",
    "Delivery",
    "Dispute",
    "Export",
    "FreedTime",
    "Guest",
    "Heartbeat",
    "Hours",
    "HoursException",
    "IdempotencyKey",
    "Invitation",
    "Job",
    "JobFailure",
    "KeyCaller",
    "Membership",
    "MonthRollup",
    "Need",
    "Nobody",
    "OutdatedPeriod",
    "Panel",
    "Payment",
    "Pool",
    "PrimetimeWindow",
    "Refund",
    "Resource",
    "Review",
    "Role",
    "RulesReview",
    "Series",
    "Service",
    "ServiceDuration",
    "StripeEvent",
    "Trade",
    "User",
    "UserProfile",
    "UserSession",
    "Venue",
    "WaitlistEntry",
]
