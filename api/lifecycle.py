"""The tables that say what may happen: every status, every move between them, who makes it.

A status changes only along a row of these tables, in `services.bookings.transitions`.
`manage.py lifecycle` prints `docs/lifecycle.md` from here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from django.db.models import TextChoices


class Status(TextChoices):
    HELD = "held", "Held, awaiting payment"
    PENDING = "pending", "Awaiting approval"
    CONFIRMED = "confirmed", "Confirmed"
    CHECKED_IN = "checked_in", "Checked in"
    COMPLETED = "completed", "Completed"
    CANCELLED = "cancelled", "Cancelled"
    REJECTED = "rejected", "Rejected"
    EXPIRED = "expired", "Expired"
    NO_SHOW = "no_show", "No show"


class TradeStatus(TextChoices):
    OFFERED = "offered", "Offered"
    ACCEPTED = "accepted", "Accepted"
    REJECTED = "rejected", "Rejected"
    WITHDRAWN = "withdrawn", "Withdrawn"
    LAPSED = "lapsed", "Lapsed"


class ActorRole(TextChoices):
    """In which role somebody pushes a row."""

    OWNER = "owner", "Owner"
    GUEST = "guest", "Guest"
    STAFF = "staff", "Staff"
    MEMBER = "member", "Anyone signed in"
    PANEL = "panel", "Door panel"
    COUNTERPART = "counterpart", "The person asked"
    PAYMENT = "payment", "Payment provider"
    CLOCK = "clock", "Clock"


NOW: Final = "statement_timestamp()"  # a column stamped with the database's clock
# a guest's hold that was to be confirmed may have no price
FAILED_IF_PRICED: Final = "CASE WHEN t.price_minor > 0 THEN 'failed' ELSE t.payment_status END"
SQL_STAMPS: Final = (NOW, FAILED_IF_PRICED)


@dataclass(frozen=True)
class Transition:
    """One row of a table. `deadline` names the column whose passing lets the clock make it;
    `unless` names a column that must be empty for the clock to do so. `stamps`: what else is
    written, a word as it is unless it is one of `SQL_STAMPS`."""

    name: str
    sources: tuple[str, ...]
    target: str
    by: frozenset[ActorRole]
    deadline: str = ""
    unless: str = ""
    stamps: Mapping[str, str | None] = field(default_factory=lambda: MappingProxyType({}))
    why: str = ""


@dataclass(frozen=True)
class Table:
    """A table of transitions over one model, and the statuses that block or are open.

    `swept_columns`: what receivers read of rows that a sweep moved; empty means whole rows."""

    model: str
    statuses: type[TextChoices]
    initial: tuple[str, ...]
    blocking: tuple[str, ...]
    transitions: tuple[Transition, ...]
    swept_columns: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Transition]:
        return iter(self.transitions)

    def __getattr__(self, name: str) -> Transition:
        transition: Transition
        for transition in object.__getattribute__(self, "transitions"):
            if transition.name == name:
                return transition
        raise AttributeError(name)

    def get_transition(self, name: str, target: str) -> Transition:
        """Of the transitions with that name the one that leads there."""
        return next(t for t in self.transitions if (t.name, t.target) == (name, target))

    @property
    def time_driven(self) -> tuple[Transition, ...]:
        """The transitions that the clock makes, in the order in which it tries them."""
        return tuple(t for t in self.transitions if t.deadline)


def _by(*roles: ActorRole) -> frozenset[ActorRole]:
    return frozenset(roles)


HELD, PENDING, CONFIRMED, CHECKED_IN = (
    Status.HELD.value,
    Status.PENDING.value,
    Status.CONFIRMED.value,
    Status.CHECKED_IN.value,
)

BOOKING: Final = Table(
    model="api.Booking",
    statuses=Status,
    initial=(HELD, PENDING, CONFIRMED),
    blocking=(HELD, PENDING, CONFIRMED, CHECKED_IN),
    swept_columns=("resource_id", "several", "status", "version", "price_minor", "payment_status"),
    transitions=(
        Transition(
            "expire",
            (HELD,),
            Status.EXPIRED,
            _by(ActorRole.CLOCK),
            deadline="hold_expires_at",
            stamps={"payment_status": FAILED_IF_PRICED},
            why="the hold ran out before it was paid, or confirmed by its guest",
        ),
        Transition(
            "lapse",
            (PENDING,),
            Status.EXPIRED,
            _by(ActorRole.CLOCK),
            deadline="lapses_at",
            why="nobody answered the request before its slot began",
        ),
        Transition(
            "release",
            (CONFIRMED,),
            Status.NO_SHOW,
            _by(ActorRole.CLOCK),
            deadline="no_show_at",
            why="nobody checked in within the grace",
        ),
        Transition(
            "complete",
            (CONFIRMED, CHECKED_IN),
            Status.COMPLETED,
            _by(ActorRole.CLOCK, ActorRole.STAFF),
            deadline="completes_at",
            unless="no_show_at",
            why="the booked time is over",
        ),
        *(
            Transition(
                "confirm_guest",
                (HELD,),
                target,
                _by(ActorRole.GUEST),
                stamps={"guest_confirmed_at": NOW},
                why=f"the guest confirmed it by the letter's link; {then}",
            )
            for target, then in (
                (HELD, "the price is to be paid"),
                (PENDING, "it needs approval"),
                (CONFIRMED, "it needs nothing more"),
            )
        ),
        Transition(
            "pay",
            (HELD,),
            CONFIRMED,
            _by(ActorRole.PAYMENT, ActorRole.STAFF),
            why="the price was paid",
        ),
        Transition(
            "pay_late",
            (Status.EXPIRED,),
            CONFIRMED,
            _by(ActorRole.PAYMENT),
            why="the price was paid after the hold ran out, and the slot was still free",
        ),
        Transition(
            "approve",
            (PENDING,),
            CONFIRMED,
            _by(ActorRole.STAFF),
            stamps={"approved_at": NOW},
            why="staff agreed",
        ),
        Transition(
            "approve_to_pay",
            (PENDING,),
            HELD,
            _by(ActorRole.STAFF),
            stamps={"approved_at": NOW},
            why="staff agreed; the price is still to be paid",
        ),
        Transition(
            "reject",
            (PENDING, CONFIRMED),
            Status.REJECTED,
            _by(ActorRole.STAFF),
            why="staff declined",
        ),
        Transition(
            "resubmit",
            (CONFIRMED,),
            PENDING,
            _by(ActorRole.OWNER, ActorRole.GUEST, ActorRole.STAFF),
            stamps={"approved_at": None, "approved_by_id": None},
            why="a change that needs approval again",
        ),
        Transition(
            "confirm",
            (PENDING,),
            CONFIRMED,
            _by(ActorRole.OWNER, ActorRole.GUEST, ActorRole.STAFF),
            why="a change after which no approval is needed",
        ),
        Transition(
            "reinstate",
            (Status.CANCELLED, Status.REJECTED, Status.EXPIRED, Status.NO_SHOW),
            PENDING,
            _by(ActorRole.STAFF),
            stamps={"approved_at": None, "approved_by_id": None},
            why="staff took the end of it back, and the slot was still free",
        ),
        Transition(
            "check_in",
            (CONFIRMED,),
            CHECKED_IN,
            _by(ActorRole.OWNER, ActorRole.STAFF, ActorRole.MEMBER, ActorRole.PANEL),
            stamps={"checked_in_at": NOW, "no_show_at": None},
            why="somebody is there",
        ),
        Transition(
            "end",
            (CONFIRMED, CHECKED_IN),
            Status.COMPLETED,
            _by(ActorRole.OWNER, ActorRole.STAFF, ActorRole.MEMBER, ActorRole.PANEL),
            stamps={"ended_at": NOW},
            why="they left early, the rest of the slot is free",
        ),
        Transition(
            "cancel",
            (HELD, PENDING, CONFIRMED, CHECKED_IN),
            Status.CANCELLED,
            _by(ActorRole.OWNER, ActorRole.GUEST, ActorRole.STAFF, ActorRole.PAYMENT),
            why="it is not wanted any more",
        ),
        Transition(
            "end_series",
            (HELD, PENDING, CONFIRMED),
            Status.CANCELLED,
            _by(ActorRole.CLOCK),
            why="nobody came to too many of its series",
        ),
    ),
)

TRADE: Final = Table(
    model="api.Trade",
    statuses=TradeStatus,
    initial=(TradeStatus.OFFERED.value,),
    blocking=(TradeStatus.OFFERED.value,),
    transitions=(
        Transition(
            "lapse",
            (TradeStatus.OFFERED,),
            TradeStatus.LAPSED,
            _by(ActorRole.CLOCK),
            deadline="lapses_at",
            stamps={"responded_at": NOW},
            why="one of the two bookings began, moved or ended before an answer",
        ),
        Transition(
            "accept",
            (TradeStatus.OFFERED,),
            TradeStatus.ACCEPTED,
            _by(ActorRole.COUNTERPART),
            stamps={"responded_at": NOW},
            why="both agreed, the owners are swapped",
        ),
        Transition(
            "reject",
            (TradeStatus.OFFERED,),
            TradeStatus.REJECTED,
            _by(ActorRole.COUNTERPART),
            stamps={"responded_at": NOW},
            why="the person asked said no",
        ),
        Transition(
            "withdraw",
            (TradeStatus.OFFERED,),
            TradeStatus.WITHDRAWN,
            _by(ActorRole.OWNER, ActorRole.STAFF),
            stamps={"responded_at": NOW},
            why="the offer was taken back, or another trade came first",
        ),
    ),
)

TABLES: Final = (BOOKING, TRADE)
