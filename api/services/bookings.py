"""The verbs said at the desk: book, reschedule, approve, reject, check in, end, cancel.

A slot is taken with `INSERT … ON CONFLICT DO NOTHING`; a booking is moved under the lock of its
resources. Either way the exclusion constraint has the last word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from api import errors, policy
from api.lifecycle import BOOKING, HELD, PENDING, Status, Transition
from api.models import Booking, Resource, User
from api.models.bookings import PaymentStatus
from api.policy import Rules
from api.queries import rules as rules_query
from api.queries.availability import alternatives
from api.queries.rules import of as rules_of
from api.signals import booked, changed

from . import transitions
from .actors import Actor
from .transitions import EXCLUSION, giving_way, perform, sqlstate

OVERLAP = "resource_id = %s AND tstzrange(starts_at, ends_at) && tstzrange(%s, %s)"
KEPT = object()  # an argument that was not given


@giving_way
def book(
    *,
    owner: User,
    resource: int | Resource,
    starts_at: datetime,
    ends_at: datetime,
    actor: Actor | None = None,
    title: str = "",
    notes: str = "",
    guests: int = 1,
    attendees: Iterable[User] = (),
    contract: str = "",
    check: Callable[..., None] = policy.check,
) -> Booking:
    """The new booking, in the status its venue's policy begins with: held, pending or confirmed.

    Instants are aware. Refuses what the policy refuses, and `SlotTaken` with what blocks and the
    nearest free times. Of any number of rivals for overlapping times exactly one gets it."""
    rules, now = rules_query.current(resource.pk if isinstance(resource, Resource) else resource)
    check(rules, starts_at, ends_at, now, guests)
    booking = _draft(rules, owner, starts_at, ends_at, now)
    booking.title, booking.notes, booking.guests = title, notes, guests
    booking.contract = contract
    with transaction.atomic():
        _limit_holds(booking)
        _take(booking, rules, now)
        if people := list(attendees):
            booking.attendees.set(people)
        booked.send(
            sender=Booking, rows=[booking], actor=actor or Actor.toward(owner, booking), details={}
        )
    return booking


def _draft(
    rules: Rules, owner: User, starts_at: datetime, ends_at: datetime, now: datetime
) -> Booking:
    primetime = policy.is_primetime(rules, starts_at, ends_at)
    amount = policy.price(rules.resource, starts_at, ends_at)
    status = policy.first_status(rules, primetime, amount)
    return Booking(
        venue=rules.venue,
        resource=rules.resource,
        owner=owner,
        starts_at=starts_at,
        ends_at=ends_at,
        status=status,
        primetime=primetime,
        price_minor=amount,
        currency=rules.venue.currency if amount else "",
        **policy.deadlines(rules.venue, starts_at, ends_at, now),
        **policy.hold(rules.venue, status, amount, now),
    )


def _limit_holds(booking: Booking) -> None:
    """Nobody squats by holding: refuses `TooManyHolds`."""
    if booking.status != HELD:
        return
    limit = booking.venue.max_open_holds
    held = Booking.objects.filter(
        owner=booking.owner, venue=booking.venue, status=HELD, hold_expires_at__gt=Now()
    )
    if held.count() >= limit:
        raise errors.TooManyHolds(limit=limit)


def _take(booking: Booking, rules: Rules, now: datetime) -> None:
    """Inserts, or ends what is dead in the way and inserts, or refuses."""
    for attempt in (1, 2):
        if _insert(booking):
            return
        if attempt == 1:
            here = (booking.resource_id, booking.starts_at, booking.ends_at)
            if not transitions.end_due(BOOKING, OVERLAP, here):
                break
    raise taken(rules, booking.starts_at, booking.ends_at, now, guests=booking.guests)


_COLUMNS = [
    f
    for f in Booking._meta.concrete_fields
    if not f.primary_key and f.attname not in ("created_at", "updated_at")
]
_INSERT = (
    f"INSERT INTO {Booking._meta.db_table}"  # noqa: S608
    f" ({', '.join(str(f.column) for f in _COLUMNS)})"
    f" VALUES ({', '.join(['%s'] * len(_COLUMNS))})"
    " ON CONFLICT DO NOTHING RETURNING id, created_at, updated_at"
)


def _insert(booking: Booking) -> bool:
    """Whether the slot was free and is now taken. Never raises, never deadlocks."""
    values = [f.get_db_prep_save(getattr(booking, f.attname), connection) for f in _COLUMNS]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, values)
        row = cursor.fetchone()
    if row is None:
        return False
    booking.pk, booking.created_at, booking.updated_at = row
    booking._state.adding, booking._state.db = False, connection.alias
    return True


def taken(
    rules: Rules,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
    *,
    guests: int = 1,
    ignore: int = 0,
) -> errors.SlotTaken:
    """The refusal, with what blocks by start and the nearest times that are free."""
    blocking = (
        Booking.objects.filter(resource=rules.resource)
        .overlapping(starts_at, ends_at)
        .blocking()
        .exclude(pk=ignore)
        .select_related("owner")
        .order_by("starts_at")[:10]
    )
    return errors.SlotTaken(
        conflicts=list(blocking),
        alternatives=alternatives(
            rules.resource, starts_at, ends_at, now, guests=guests, ignore=ignore
        ),
    )


# moving along the table


def _get(pk: int) -> Booking:
    booking = (
        Booking.objects.select_related("venue", "resource__venue", "owner").filter(pk=pk).first()
    )
    if booking is None:
        raise errors.NotFound("There is no such booking.")
    return booking


def _move(move: Transition, pk: int, actor: Actor, because: str = "", **options: Any) -> Booking:
    """The booking after the move; refuses `Forbidden`, `AlreadyDone` or `NotAllowedNow`."""
    if actor.by not in move.by:
        raise errors.Forbidden
    details = {"reason": because} if because else {}
    rows = perform(move, [pk], actor, details=details, **options)
    if rows:
        return rows[0]  # type: ignore[no-any-return]
    current = _get(pk).status
    if current == move.target:
        raise errors.AlreadyDone(current=current)
    raise errors.NotAllowedNow(
        f"A booking that is {Status(current).label.lower()} cannot do that.", current=current
    )


@giving_way
def cancel(pk: int, actor: Actor, reason: str = "") -> Booking:
    """Takes a booking back; its slot is free at once. By its owner or staff."""
    return _move(BOOKING.cancel, pk, actor, reason)


@giving_way
def approve(pk: int, actor: Actor) -> Booking:
    """Confirms a request, or holds it for payment when it has a price. By staff.

    Everything is looked at again: the place, its hours and dates, and that it has not begun."""
    if actor.by not in BOOKING.approve.by:
        raise errors.Forbidden
    booking = _get(pk)
    place = rules_query.resource(booking.resource_id)
    if booking.status == PENDING:
        rules = rules_of(place)
        policy.check_place(rules, booking.starts_at, booking.ends_at, booking.guests)
    sets: dict[str, Any] = {"approved_by_id": actor.user.pk if actor.user else None}
    move = BOOKING.approve
    if booking.price_minor and booking.payment_status != PaymentStatus.SUCCEEDED:
        move = BOOKING.approve_to_pay
        sets |= {
            "hold_expires_at": place.now + booking.venue.hold_length,
            "payment_status": PaymentStatus.PENDING,
        }
    try:
        return _move(move, pk, actor, where="lapses_at > statement_timestamp()", sets=sets)
    except errors.AlreadyDone:
        raise
    except errors.NotAllowedNow as refusal:
        if refusal.current == PENDING:
            raise errors.AlreadyBegun(
                "It has already begun, it can no longer be approved."
            ) from None
        raise


@giving_way
def reject(pk: int, actor: Actor, reason: str = "") -> Booking:
    """Declines a request, or takes a confirmation back. By staff."""
    sets = {"rejection_reason": reason, "approved_by_id": actor.user.pk if actor.user else None}
    return _move(BOOKING.reject, pk, actor, reason, sets=sets)


@giving_way
def check_in(pk: int, actor: Actor, *, early: bool = False) -> Booking:
    """Somebody is there. Within the check-in window; `early` lets a panel at the door open it.

    Against the release of the same booking exactly one of the two wins."""
    where = "check_in_closes_at > statement_timestamp()" + (
        "" if early else " AND check_in_opens_at <= statement_timestamp()"
    )
    where += " AND (no_show_at IS NULL OR no_show_at > statement_timestamp())"
    try:
        return _move(BOOKING.check_in, pk, actor, where=where)
    except errors.NotAllowedNow as refusal:
        if refusal.current != Status.CONFIRMED:
            raise
    booking = _get(pk)
    raise errors.CheckInClosed(
        opens_at=booking.check_in_opens_at, closes_at=booking.check_in_closes_at
    )


@giving_way
def end(pk: int, actor: Actor) -> Booking:
    """They have left: the rest of the slot is free at once. A booking whose venue asks for
    check-in must be checked in, any other must have begun. What is over has no rest."""
    where = (
        "ends_at > statement_timestamp() AND"
        " (status = 'checked_in' OR (no_show_at IS NULL AND starts_at <= statement_timestamp()))"
    )
    return _move(BOOKING.end, pk, actor, where=where)


@giving_way
def complete(pk: int, actor: Actor) -> Booking:
    return _move(BOOKING.complete, pk, actor)


@giving_way
def reinstate(pk: int, actor: Actor) -> Booking:
    """Takes an end back: the booking waits for approval again, if its slot is still free and has
    not begun. By staff."""
    booking = _get(pk)
    place = rules_query.resource(booking.resource_id)
    rules, now = rules_of(place), place.now
    if booking.starts_at <= now:
        raise errors.AlreadyBegun
    policy.check_place(rules, booking.starts_at, booking.ends_at, booking.guests)
    again = policy.deadlines(rules.venue, booking.starts_at, booking.ends_at, now)
    return _against_rivals(
        booking, rules, now, lambda: _move(BOOKING.reinstate, pk, actor, sets=again)
    )


@transaction.atomic
def _against_rivals(
    booking: Booking, rules: Rules, now: datetime, write: Callable[[], Booking]
) -> Booking:
    """Does an UPDATE that the exclusion constraint may refuse: under the lock of the resource,
    once more when only dead rows were in the way, else refuses `SlotTaken`."""
    _lock_resources({booking.resource_id, rules.resource.pk})
    for attempt in (1, 2):
        try:
            with transaction.atomic():
                return write()
        except IntegrityError as error:
            if sqlstate(error) != EXCLUSION:
                raise
        here = (rules.resource.pk, booking.starts_at, booking.ends_at)
        if attempt == 1 and not transitions.end_due(
            BOOKING, f"{OVERLAP} AND id <> %s", (*here, booking.pk)
        ):
            break
    raise taken(
        rules, booking.starts_at, booking.ends_at, now, guests=booking.guests, ignore=booking.pk
    )


def _lock_resources(ids: Iterable[int]) -> None:
    """In id order, so that no two movers wait for each other."""
    rows = Resource.objects.filter(pk__in=ids).order_by("pk")
    list(rows.select_for_update(no_key=True, of=("self",)).values_list("pk"))


# moving in time, and editing


@giving_way
def reschedule(
    pk: int,
    actor: Actor,
    *,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    resource: int | None = None,
    title: str | None = None,
    notes: str | None = None,
    guests: int | None = None,
    attendees: Iterable[User] | None = None,
    check: Callable[..., None] | None = None,
) -> Booking:
    """The edited booking. A new time or place meets the whole policy and the constraint again, and
    needs approval again unless it lies inside what was approved. By its owner or staff, while it
    is held, pending or confirmed."""
    with transaction.atomic():
        first = _get(pk)
        place = rules_query.resource(resource or first.resource_id)
        _lock_resources({first.resource_id, place.pk})
        booking = _editable(pk, actor)
        if booking.resource_id != first.resource_id:
            raise errors.Busy
        old = _snapshot(booking)
        moved = _with_times(booking, place, starts_at, ends_at, guests)
        for name, value in (("title", title), ("notes", notes), ("guests", guests)):
            if value is not None:
                setattr(booking, name, value)
        if attendees is not None:
            booking.attendees.set(attendees)
        if moved:
            _replan(booking, place, old, actor, check)
        new = _snapshot(booking)
        if new == old and attendees is None:
            return booking
        return _save_edit(booking, place, old, actor, moved)


def _editable(pk: int, actor: Actor) -> Booking:
    booking = (
        Booking.objects.select_for_update(of=("self",), no_key=True)
        .select_related("venue", "resource__venue", "owner")
        .get(pk=pk)
    )
    if actor.by not in BOOKING.resubmit.by:
        raise errors.Forbidden
    if booking.status not in (HELD, PENDING, Status.CONFIRMED.value):
        raise errors.NotAllowedNow(
            f"A booking that is {booking.get_status_display().lower()} cannot be edited.",
            current=booking.status,
        )
    return booking


def _snapshot(booking: Booking) -> dict[str, Any]:
    return {
        "resource": booking.resource_id,
        "starts_at": booking.starts_at.isoformat(),
        "ends_at": booking.ends_at.isoformat(),
        "title": booking.title,
        "notes": booking.notes,
        "guests": booking.guests,
    }


def _with_times(
    booking: Booking,
    place: Resource,
    starts_at: datetime | None,
    ends_at: datetime | None,
    guests: int | None,
) -> bool:
    """Writes the new time and place onto the row in memory; whether anything there changed."""
    before = (booking.starts_at, booking.ends_at, booking.resource_id, booking.guests)
    booking.starts_at, booking.ends_at = starts_at or booking.starts_at, ends_at or booking.ends_at
    booking.resource, booking.venue = place, place.venue
    after = (booking.starts_at, booking.ends_at, place.pk, guests or booking.guests)
    return before != after


def _replan(
    booking: Booking,
    place: Resource,
    old: dict[str, Any],
    actor: Actor,
    check: Callable[..., None] | None,
) -> None:
    """Meets the policy again and freezes the deadlines anew."""
    rules, now = rules_of(place), place.now
    starts, ends = booking.starts_at, booking.ends_at
    began = datetime.fromisoformat(old["starts_at"])
    if began <= now and booking.status != HELD and booking.starts_at != began:
        raise errors.AlreadyBegun
    policy.check_interval(starts, ends, now)
    (check or partial(_check_move, began))(rules, starts, ends, now, booking.guests)
    amount = policy.price(place, starts, ends)
    if amount != booking.price_minor and booking.payment_status == PaymentStatus.SUCCEEDED:
        raise errors.NotAllowedNow(
            "It is paid for; a change of its price needs a new booking.", current=booking.status
        )
    booking.primetime = policy.is_primetime(rules, starts, ends)
    booking.price_minor = amount
    for column, value in policy.deadlines(rules.venue, starts, ends, now).items():
        setattr(booking, column, value)


def _check_move(
    began: datetime, rules: Rules, starts: datetime, ends: datetime, now: datetime, guests: int
) -> None:
    """A start that is kept owes no notice again."""
    if starts != began:
        policy.check_notice(rules, starts, ends, now)
    elif ends <= now:
        raise errors.InThePast
    policy.check_place(rules, starts, ends, guests)


def _save_edit(
    booking: Booking, place: Resource, old: dict[str, Any], actor: Actor, moved: bool
) -> Booking:
    rules, now = rules_of(place), place.now

    def write() -> Booking:
        booking.version += 1
        columns = {f.attname: getattr(booking, f.attname) for f in _COLUMNS}
        columns.pop("status")
        Booking.objects.filter(pk=booking.pk).update(**columns, updated_at=Now())
        return booking

    _against_rivals(booking, rules, now, write) if moved else write()
    new = _snapshot(booking)
    details = {"from": {k: old[k] for k in old if old[k] != new[k]}} | {
        "to": {k: new[k] for k in new if old[k] != new[k]}
    }
    resubmit = moved and _needs_answer_again(booking, rules, old)
    changed.send(
        sender=Booking,
        rows=[booking],
        actor=actor,
        details=details | {"moved": moved, "resubmitted": resubmit},
    )
    if resubmit:
        perform(BOOKING.resubmit, [booking.pk], actor, details={"reason": "moved"})
    return _get(booking.pk)


def _needs_answer_again(booking: Booking, rules: Rules, old: dict[str, Any]) -> bool:
    """Only a confirmed booking; shrinking inside what was approved keeps the approval."""
    if booking.status != Status.CONFIRMED or not policy.needs_approval(rules, booking.primetime):
        return False
    if old["resource"] != booking.resource_id:
        return True
    outer = datetime.fromisoformat(old["starts_at"]), datetime.fromisoformat(old["ends_at"])
    inside = policy.within((booking.starts_at, booking.ends_at), [outer])
    return not (inside and booking.approved_at is not None)


# what staff set by hand


WORDS: dict[str, Callable[[int, Actor], Booking]] = {
    PENDING: reinstate,
    Status.CONFIRMED.value: approve,
    Status.CANCELLED.value: cancel,
    Status.REJECTED.value: reject,
    Status.COMPLETED.value: complete,
    Status.CHECKED_IN.value: check_in,
}


def set_status(pk: int, status: str, actor: Actor) -> Booking:
    """Brings a booking to a status by the verbs that lead there, or refuses as they do. The same
    status again changes nothing. Staff may do what the table allows them, owners only cancel."""
    booking = _get(pk)
    if booking.status == status:
        return booking
    if not actor.is_staff and status != Status.CANCELLED:
        raise errors.Forbidden
    if status not in WORDS:
        raise errors.NotAllowedNow(current=booking.status)
    with transaction.atomic():
        if status == PENDING and booking.status == Status.CONFIRMED:
            return _move(BOOKING.resubmit, pk, actor)
        if status == Status.CONFIRMED and booking.status in BOOKING.reinstate.sources:
            reinstate(pk, actor)
        return WORDS[status](pk, actor)


def answer(
    ids: Sequence[int], actor: Actor, verb: Callable[[int, Actor], Booking]
) -> list[tuple[int, Booking | errors.Refused]]:
    """Each id with its booking or its refusal: one failing does not hold the others up."""
    results: list[tuple[int, Booking | errors.Refused]] = []
    for pk in ids:
        try:
            results.append((pk, verb(pk, actor)))
        except errors.Refused as refusal:
            results.append((pk, refusal))
    return results


def open_of(owner: User) -> Q:
    return Q(owner=owner, status__in=BOOKING.blocking)
