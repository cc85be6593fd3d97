"""Which emails a move causes, to whom, and when they are withheld. Read top to bottom.

Each has `email_templates/<name>.html` and its plain twin `.txt`; a venue's `wording` names a
folder that is looked in first, and may have rows of its own here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from api.lifecycle import CHECKED_IN, CONFIRMED, HELD, PENDING


@dataclass(frozen=True)
class Email:
    """`subject` is filled with the context of the template. `only_while`: statuses outside which
    the e-mail is withheld. `optional`: only sent if the venue sends confirmations."""

    name: str
    subject: str
    to: str = "owner"
    only_while: tuple[str, ...] = ()
    optional: bool = False
    before_start: bool = False


REMINDER: Final = Email(
    "reminder",
    "Reminder: {what} at {time}",
    only_while=(CONFIRMED, CHECKED_IN),
    before_start=True,
)
WAITING: Final = Email(
    "request_waiting", "A request waits: {what}, {when}", to="admin", only_while=(PENDING,)
)
RECEIVED: Final = Email(
    "pending", "Reservation Pending Approval", only_while=(PENDING,), optional=True
)

DEFAULT: Final[Mapping[str, tuple[Email, ...]]] = {
    "book.held": (Email("held", "Pay by {deadline} to keep {what}", only_while=(HELD,)),),
    "book.pending": (RECEIVED, WAITING),
    "book.confirmed": (Email("confirmed", "Reservation Confirmed", optional=True),),
    "approve": (Email("approved", "Reservation Approved"),),
    "approve_to_pay": (
        Email("approved_to_pay", "Approved: pay by {deadline} to keep {what}", only_while=(HELD,)),
    ),
    "reject": (Email("rejected", "Reservation Rejected"),),
    "resubmit": (RECEIVED, WAITING),
    "reinstate": (RECEIVED, WAITING),
    "cancel": (Email("cancelled", "Reservation Cancelled"),),
    "expire": (Email("expired", "Your hold on {what} has run out"),),
    "lapse": (Email("lapsed", "Your request for {what} was not answered in time"),),
    "release": (Email("released", "Booking Released: {what} (No Check-in)"),),
    "end": (Email("ended", "{what} has ended early"),),
    "pay": (Email("receipt", "Receipt: {what}, {when}"),),
    "pay_late": (Email("receipt", "Receipt: {what}, {when}"),),
    "moved": (Email("moved", "Reservation Moved: {when}", optional=True),),
    "remind": (REMINDER,),
}

# rows that a wording has instead of the default's; an empty tuple: no e-mail
WORDINGS: Final[Mapping[str, Mapping[str, tuple[Email, ...]]]] = {
    "primetime": {},
    "barbershop": {},
    "circletime": {
        "book.confirmed": (Email("confirmed", "Booking Confirmed: {what}", optional=True),),
        "remind": (
            Email(
                "reminder",
                "Reminder: Check in to {what}",
                only_while=(CONFIRMED,),
                before_start=True,
            ),
        ),
        "release": (Email("released", "Booking Released: {what} (No Check-in)"),),
        "cancel": (Email("cancelled", "Booking Cancelled: {what}"),),
        "end": (Email("ended", "Meeting Ended Early: {what}"),),
        "moved": (Email("moved", "Booking Moved: {what}, {when}", optional=True),),
    },
    "resources": {},
    "paidrooms": {},
}

# emails that no booking causes
ALONE: Final[Mapping[str, Email]] = {
    "password_reset": Email("password_reset", "Reset your Holdfast password", to="person"),
    "test": Email("test", "A test from Holdfast", to="person"),
}


def caused_by(verb: str, wording: str = "") -> tuple[Email, ...]:
    """The emails of a verb in a wording; none for a verb that causes none."""
    return WORDINGS.get(wording, {}).get(verb, DEFAULT.get(verb, ()))


def named(name: str, wording: str = "") -> Email:
    """An e-mail by its name; raises `KeyError`."""
    if name in ALONE:
        return ALONE[name]
    for rows in (WORDINGS.get(wording, {}), DEFAULT):
        for emails in rows.values():
            for email in emails:
                if email.name == name:
                    return email
    raise KeyError(name)
