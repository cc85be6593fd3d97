"""The tables that say what may happen: every status, every move between them, who makes it.

A status changes only along a row of these tables, in `services.bookings.transitions`.
`manage.py lifecycle` prints `docs/lifecycle.md` from here.
"""

from typing import Final

from django.db.models import TextChoices

from api.transition_tables import (
    FAILED_IF_PRICED,
    NOW,
    SQL_STAMPS,
    ActorRole,
    Table,
    Transition,
)

__all__ = ["NOW", "SQL_STAMPS", "ActorRole", "Table", "Transition"]


class Status(TextChoices):
    OFFERED = "offered", "Offered to who waited"
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


class WaitlistStatus(TextChoices):
    WAITING = "waiting", "Waiting"
    OFFERED = "offered", "Offered"
    TAKEN = "taken", "Taken"
    DECLINED = "declined", "Declined"
    LAPSED = "lapsed", "Lapsed"
    WITHDRAWN = "withdrawn", "Withdrawn"


def _by(*roles: ActorRole) -> frozenset[ActorRole]:
    return frozenset(roles)


OFFERED, HELD, PENDING, CONFIRMED, CHECKED_IN = (
    Status.OFFERED.value,
    Status.HELD.value,
    Status.PENDING.value,
    Status.CONFIRMED.value,
    Status.CHECKED_IN.value,
)

BOOKING: Final = Table(
    model="api.Booking",
    statuses=Status,
    initial=(OFFERED, HELD, PENDING, CONFIRMED),
    blocking=(OFFERED, HELD, PENDING, CONFIRMED, CHECKED_IN),
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
            "lapse_offer",
            (OFFERED,),
            Status.EXPIRED,
            _by(ActorRole.CLOCK),
            deadline="offer_expires_at",
            stamps={"payment_status": FAILED_IF_PRICED},
            why="whoever waited did not answer the offer in time",
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
        *(
            Transition(
                "accept",
                (OFFERED,),
                target,
                _by(ActorRole.OWNER),
                why=f"whoever waited takes the offer; {then}",
            )
            for target, then in (
                (HELD, "the price is to be paid"),
                (PENDING, "it needs approval"),
                (CONFIRMED, "it needs nothing more"),
            )
        ),
        Transition(
            "decline",
            (OFFERED,),
            Status.CANCELLED,
            _by(ActorRole.OWNER),
            why="whoever waited does not want it",
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
            (OFFERED, HELD, PENDING, CONFIRMED, CHECKED_IN),
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

# what is on offer blocks its slot too, and counts nowhere
BOOKED: Final = tuple(status for status in BOOKING.blocking if status != OFFERED)

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

WAITING: Final = WaitlistStatus.WAITING.value
WAITLIST: Final = Table(
    model="api.WaitlistEntry",
    statuses=WaitlistStatus,
    initial=(WAITING,),
    blocking=(WAITING, OFFERED),
    transitions=(
        Transition(
            "lapse",
            (WAITING, OFFERED),
            WaitlistStatus.LAPSED,
            _by(ActorRole.CLOCK),
            deadline="lapses_at",
            why="its window has passed, or its offer was not answered in time",
        ),
        Transition(
            "offer",
            (WAITING,),
            OFFERED,
            _by(*(role for role in ActorRole if role is not ActorRole.CLOCK)),
            why="time that fits was freed, by whoever or whatever freed it",
        ),
        Transition(
            "take",
            (OFFERED,),
            WaitlistStatus.TAKEN,
            _by(ActorRole.OWNER),
            why="the offered booking was accepted",
        ),
        Transition(
            "decline",
            (OFFERED,),
            WaitlistStatus.DECLINED,
            _by(ActorRole.OWNER, ActorRole.STAFF),
            why="the offered booking was declined or cancelled",
        ),
        Transition(
            "withdraw",
            (WAITING,),
            WaitlistStatus.WITHDRAWN,
            _by(ActorRole.OWNER, ActorRole.STAFF),
            why="they wait no more",
        ),
    ),
)

TABLES: Final = (BOOKING, TRADE, WAITLIST)
