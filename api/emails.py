"""Which emails a transition causes, to whom, and when they are withheld.

Each has one template for its text and its HTML, `email_templates/<name>.jinja`; a venue's `wording`
names a folder that is looked in first, and may have rows of its own here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from api.lifecycle import CHECKED_IN, CONFIRMED, HELD, OFFERED, PENDING, Status


@dataclass(frozen=True)
class Email:
    """`subject` is formatted with the context of the template. `only_while`: statuses outside which
    the e-mail is withheld. `optional`: only sent if the venue sends confirmations. `because`: only
    sent if the transition has this reason."""

    name: str
    subject: str
    to: str = "owner"
    only_while: tuple[str, ...] = ()
    optional: bool = False
    before_start: bool = False
    because: str = ""


# the one that a guest gets who has not confirmed yet
CONFIRM_GUEST: Final = Email(
    "confirm_guest", "Confirm by {deadline}: {what}, {when}", only_while=(HELD,)
)
REMINDER: Final = Email(
    "reminder",
    "Reminder: {what}, {begins}",
    only_while=(CONFIRMED, CHECKED_IN),
    before_start=True,
)
REQUEST_WAITING: Final = Email(
    "request_waiting", "A request waits: {what}, {when}", to="admin", only_while=(PENDING,)
)
REQUEST_PENDING: Final = Email(
    "pending", "Reservation Pending Approval", only_while=(PENDING,), optional=True
)
CONFIRMED_AT_ONCE: Final = Email("confirmed", "Reservation Confirmed", optional=True)

DEFAULT: Final[Mapping[str, tuple[Email, ...]]] = {
    "book.guest": (CONFIRM_GUEST,),
    "book.held": (Email("held", "Pay by {deadline} to keep {what}", only_while=(HELD,)),),
    "book.offered": (
        Email("offer", "Free for you until {answer_by}: {what}, {when}", only_while=(OFFERED,)),
    ),
    "lapse_offer": (Email("offer_lapsed", "Your offer of {what} has run out"),),
    "book.pending": (REQUEST_PENDING, REQUEST_WAITING),
    "book.confirmed": (CONFIRMED_AT_ONCE,),
    "approve": (Email("approved", "Reservation Approved"),),
    "approve_to_pay": (
        Email("approved_to_pay", "Approved: pay by {deadline} to keep {what}", only_while=(HELD,)),
    ),
    "reject": (Email("rejected", "Reservation Rejected"),),
    "resubmit": (REQUEST_PENDING, REQUEST_WAITING),
    "confirm": (CONFIRMED_AT_ONCE,),
    "reinstate": (REQUEST_PENDING, REQUEST_WAITING),
    "cancel": (Email("cancelled", "Reservation Cancelled"),),
    "expire": (Email("expired", "Your hold on {what} has run out"),),
    "lapse": (Email("lapsed", "Your request for {what} was not answered in time"),),
    "release": (Email("released", "Booking Released: {what} (No Check-in)"),),
    "end": (Email("ended", "{what} has ended early"),),
    "pay": (Email("receipt", "Receipt: {what}, {when}"),),
    "pay_late": (Email("receipt", "Receipt: {what}, {when}"),),
    "payment_failed": (
        Email("payment_failed", "Your payment for {what} failed", only_while=(HELD,)),
    ),
    "refund": (Email("refunded", "Your refund for {what}"),),
    "moved": (Email("moved", "Reservation Moved: {when}", optional=True),),
    "remind": (REMINDER,),
    "review": (
        Email(
            "affected",
            "A change at {venue.name} affects your reservation: {when}",
            only_while=(HELD, PENDING, CONFIRMED, CHECKED_IN),
        ),
    ),
}

BARBERSHOP_NEW: Final = Email(
    "new_reservation_admin", "🔔 New Reservation #{booking.pk} - Action Required", to="admin"
)
BARBERSHOP_MOVED: Final = Email(
    "moved_reservation_admin",
    "🔔 Reservation #{booking.pk} Moved - Action Required",
    to="admin",
    only_while=(PENDING,),
    because="moved",
)
BARBERSHOP_CONFIRMED: Final = Email("reservation_confirmed", "Your Reservation is Confirmed!")
BARBERSHOP_CANCELLED: Final = Email("reservation_cancelled", "Your Reservation has been Cancelled")

RESOURCES_CREATED: Final = Email("booking_created_template", "Booking Confirmation")
RESOURCES_CREATED_ADMIN: Final = Email(
    "booking_created_admin", "New Booking: {what}, {when}", to="admin"
)
RESOURCES_STATUS_CHANGED: Final = Email(
    "booking_status_updated_template", "Booking Status Updated to {status_word}"
)
RESOURCES_EDITED: Final = Email("booking_details_updated_template", "Booking Updated")
# sent for every request, also for one that was answered before the e-mail was sent
PRIMETIME_PENDING: Final = Email("pending", "Reservation Pending Approval", optional=True)
CIRCLETIME_CONFIRMED: Final = Email("confirmed", "Booking Confirmed: {what}", optional=True)
# to the two people of a trade
TRADE_EMAILS: Final[Mapping[str, tuple[Email, ...]]] = {
    "trade.offer": (Email("trade_offered", "{other} offers you a trade", to="target"),),
    "trade.accept": (
        Email("trade_accepted", "Trade accepted: you have {when}", to="requester"),
        Email("trade_accepted", "Trade accepted: you have {when}", to="target"),
    ),
    "trade.reject": (Email("trade_rejected", "{other} declined your trade", to="requester"),),
}

# about a series: one a request, with all its times
SERIES_EMAILS: Final[Mapping[str, tuple[Email, ...]]] = {
    "series.booked": (Email("series_booked", "Booked {count}: {what}", optional=True),),
    "series.asked": (Email("series_asked", "Your request for {what}, {count}", optional=True),),
    "series.held": (Email("series_held", "Pay by {deadline} to keep {what}, {count}"),),
    "series.waiting": (Email("series_waiting", "A request for {count} waits: {what}", to="admin"),),
    "series.approved": (Email("series_approved", "Approved {count}: {what}"),),
    "series.changed": (Email("series_changed", "Changed {count}: {what}", optional=True),),
    "series.cancelled": (Email("series_cancelled", "Cancelled {count}: {what}"),),
    "series.missed": (Email("series_missed", "Not booked: {what}, {first}"),),
    "series.ended": (Email("series_ended", "Your series has ended: {what}"),),
    "series.resumed": (Email("series_resumed", "Your series goes on: {what}"),),
}

# rows that a wording has instead of the default's; an empty tuple: no e-mail
WORDINGS: Final[Mapping[str, Mapping[str, tuple[Email, ...]]]] = {
    "primetime": {
        "book.pending": (PRIMETIME_PENDING, REQUEST_WAITING),
        "resubmit": (PRIMETIME_PENDING, REQUEST_WAITING),
        "reinstate": (PRIMETIME_PENDING, REQUEST_WAITING),
    },
    "barbershop": {
        "book.pending": (BARBERSHOP_NEW,),
        "book.confirmed": (BARBERSHOP_NEW, BARBERSHOP_CONFIRMED),
        "approve": (BARBERSHOP_CONFIRMED,),
        "confirm": (BARBERSHOP_CONFIRMED,),
        "resubmit": (BARBERSHOP_MOVED,),
        "reinstate": (BARBERSHOP_NEW,),
        "reject": (BARBERSHOP_CANCELLED,),
        "cancel": (BARBERSHOP_CANCELLED,),
        "lapse": (BARBERSHOP_CANCELLED,),
        "end": (),
    },
    "circletime": {
        "book.confirmed": (CIRCLETIME_CONFIRMED,),
        "confirm": (CIRCLETIME_CONFIRMED,),
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
    "resources": {
        "book.pending": (RESOURCES_CREATED, RESOURCES_CREATED_ADMIN),
        "book.confirmed": (RESOURCES_CREATED, RESOURCES_CREATED_ADMIN),
        "approve": (RESOURCES_STATUS_CHANGED,),
        "reject": (RESOURCES_STATUS_CHANGED,),
        "resubmit": (RESOURCES_STATUS_CHANGED,),
        "confirm": (RESOURCES_STATUS_CHANGED,),
        "reinstate": (RESOURCES_STATUS_CHANGED,),
        "lapse": (RESOURCES_STATUS_CHANGED,),
        "release": (RESOURCES_STATUS_CHANGED,),
        "moved": (RESOURCES_EDITED,),
        "edited": (RESOURCES_EDITED,),
        "cancel": (Email("booking_cancelled_template", "Booking Cancellation"),),
        "end": (),
    },
    "paidrooms": {
        "book.held": (
            Email("held", "Pay {price} by {deadline} to keep {what}", only_while=(HELD,)),
        ),
        "pay": (Email("receipt", "Receipt for {what}: {price}, {when}"),),
        "pay_late": (Email("receipt", "Receipt for {what}: {price}, {when}"),),
        "expire": (
            Email("expired", "Your hold on {what} has run out", only_while=(Status.EXPIRED,)),
        ),
    },
}

# emails that no booking causes
ACCOUNT_EMAILS: Final[Mapping[str, Email]] = {
    "password_reset": Email("password_reset", "Reset your Holdfast password", to="person"),
    "resources/password_reset": Email(
        "resources/password_reset", "Password Reset Request - Booking System", to="person"
    ),
    "account_changed": Email(
        "account_changed", "Your {changed} at Holdfast was changed", to="person"
    ),
    "second_factor_changed": Email(
        "second_factor_changed", "Your account at Holdfast: {changed}", to="person"
    ),
    "invitation": Email("invitation", "You are invited to {venue_name}", to="invited"),
    "test": Email("test", "A test from Holdfast", to="person"),
}

PASSWORD_RESETS: Final = frozenset({"password_reset", "resources/password_reset"})


# the reasons that an e-mail depends on; any other text changes nothing
REASONS: Final = frozenset(
    email.because
    for verbs in (DEFAULT, TRADE_EMAILS, SERIES_EMAILS, *WORDINGS.values())
    for emails in verbs.values()
    for email in emails
    if email.because
)


_EVERYWHERE: Final = {**DEFAULT, **TRADE_EMAILS, **SERIES_EMAILS}


def list_emails(verb: str, wording: str = "", reason: str = "") -> tuple[Email, ...]:
    """The emails that a verb causes in a wording, for that reason of it."""
    rows = WORDINGS.get(wording, {}).get(verb, _EVERYWHERE.get(verb, ()))
    return tuple(email for email in rows if email.because in ("", reason))


# what a status is called in a wording that knows fewer
STATUS_LABELS: Final[Mapping[str, Mapping[str, str]]] = {
    "resources": {
        Status.EXPIRED: "cancelled",
        Status.NO_SHOW: "cancelled",
        Status.OFFERED: "pending",
        Status.HELD: "pending",
        Status.CHECKED_IN: "confirmed",
        Status.COMPLETED: "confirmed",
    }
}


def get_status_label(status: str, wording: str) -> str:
    """What a wording calls a status; the status itself if it has no label of its own."""
    return STATUS_LABELS.get(wording, {}).get(status, status)


def get_email(name: str, wording: str = "") -> Email:
    """An e-mail by its name. Raises `KeyError`."""
    if name in ACCOUNT_EMAILS:
        return ACCOUNT_EMAILS[name]
    for rows in (WORDINGS.get(wording, {}), DEFAULT, TRADE_EMAILS, SERIES_EMAILS):
        for emails in rows.values():
            for email in emails:
                if email.name == name:
                    return email
    raise KeyError(name)
