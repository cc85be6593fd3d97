"""The verbs said at the desk: book, reschedule, approve, reject, check in, end, cancel.

A slot is taken with `INSERT … ON CONFLICT DO NOTHING`; a booking is moved under the lock of its
resources. Either way the exclusion constraint has the last word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from datetime import datetime
from functools import partial
from itertools import chain
from operator import attrgetter
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from api import errors, policy
from api.lifecycle import BOOKING, CONFIRMED, HELD, PENDING, ActorRole, Status, Transition
from api.models import Booking, Resource, User
from api.models.bookings import PaymentStatus
from api.policy import Rules
from api.queries.bookings.availability import alternatives
from api.queries.bookings.effective_status import due_transition
from api.queries.venues import rules as rules_query
from api.queries.venues.rules import of as rules_of
from api.services.accounts import client_address
from api.services.actors import Actor
from api.signals import booking_changed, booking_created, booking_inserting

from . import bulk_insert, transitions
from .bulk_insert import Part
from .transitions import (
    EXCLUSION,
    apply_transition,
    retry_on_conflict,
    sqlstate,
)

OVERLAP = "resource_id = %s AND tstzrange(starts_at, ends_at) && tstzrange(%s, %s)"
KEPT = object()  # an argument that was not given


@retry_on_conflict
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
    agreed: bool = False,
    asked: rules_query.Along | None = None,
) -> Booking:
    """The new booking, in the status its venue's policy begins with: held, pending or confirmed.
    `agreed`: whoever books it is who would be asked.

    Instants are aware. Refuses what the policy refuses, and `SlotTaken` with what blocks and the
    nearest free times. Of any number of rivals for overlapping times exactly one gets it."""
    place = resource.pk if isinstance(resource, Resource) else resource
    rules, now, pk = rules_query.to_book(place, asked)
    check(rules, starts_at, ends_at, now, guests)
    booking = _draft(rules, owner, starts_at, ends_at, now, agreed)
    booking.title, booking.notes, booking.guests = title, notes, guests
    booking.pk, booking.contract = pk, contract
    told = {"rows": [booking], "actor": actor or Actor.for_booking(owner, booking), "details": {}}
    people = list(attendees)
    # one statement is a transaction of its own
    with transaction.atomic() if people or booking.status == HELD else nullcontext():
        _limit_holds(booking)
        with bulk_insert.gathered() as written_with_it:
            booking_inserting.send(sender=Booking, **told)
        _take(booking, written_with_it, rules, now)
        if people:
            booking.attendees.add(*people)
        booking_created.send(sender=Booking, **told)
    return booking


def _draft(
    rules: Rules,
    owner: User,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
    agreed: bool,
) -> Booking:
    primetime = policy.is_primetime(rules, starts_at, ends_at)
    amount = policy.price(rules.resource, starts_at, ends_at)
    status = policy.first_status(rules, primetime, amount, agreed)
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
    """Nobody squats by holding, nor by asking many times at once, nor under many names: refuses
    `TooManyHolds`. The person is locked before the address, so nobody waits in a circle."""
    if booking.status != HELD:
        return
    _limit(booking, booking.venue.max_open_holds, owner=booking.owner)
    booking.held_from = client_address.address_hash()
    if booking.held_from and settings.MAX_HOLDS_PER_ADDRESS:
        _limit(booking, settings.MAX_HOLDS_PER_ADDRESS, held_from=booking.held_from)


def _limit(booking: Booking, limit: int, **whose: Any) -> None:
    [(name, value)] = whose.items()
    with connection.cursor() as cursor:
        key = f"holds:{name}:{getattr(value, 'pk', value)}:{booking.venue_id}"
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
    open_ = Q(venue=booking.venue, status=HELD, hold_expires_at__gt=Now())
    if Booking.objects.filter(open_, **whose).count() >= limit:
        raise errors.TooManyHolds(limit=limit)


def _take(booking: Booking, parts: Sequence[Part], rules: Rules, now: datetime) -> None:
    """Inserts, or ends what is dead in the way and inserts, or refuses. The second attempt is
    made in any case: what was dead may have been ended by somebody else in between."""
    if _insert(booking, parts):
        return
    here = (booking.resource_id, booking.starts_at, booking.ends_at)
    transitions.apply_due_transitions(BOOKING, OVERLAP, here)
    if _insert(booking, parts):
        return
    raise taken(rules, booking.starts_at, booking.ends_at, now, guests=booking.guests)


_COLUMNS = [
    f for f in Booking._meta.concrete_fields if f.attname not in ("created_at", "updated_at")
]
# nobody has answered or been there yet: their columns say so by themselves
_LATER = ("approved_by_id", "approved_at", "checked_in_at", "ended_at")
_WRITTEN = [f for f in _COLUMNS if f.attname not in _LATER]
_values_of = attrgetter(*(f.attname for f in _WRITTEN))
_INSERT = (
    f"INSERT INTO {Booking._meta.db_table}"  # noqa: S608
    f" ({', '.join(str(f.column) for f in _WRITTEN)})"
    f" VALUES ({', '.join(['%s'] * len(_WRITTEN))})"
    " ON CONFLICT DO NOTHING RETURNING created_at, updated_at"
)


def _insert(booking: Booking, parts: Sequence[Part]) -> bool:
    """Whether the slot was free and is now taken, and the parts are written with it. Never
    raises, never deadlocks."""
    statement = bulk_insert.along_with(_INSERT, tuple((part.select, part.tail) for part in parts))
    values = [*_values_of(booking), *chain.from_iterable(part.values for part in parts)]
    with connection.prepared() as cursor:  # type: ignore[attr-defined]
        cursor.execute(statement, values)
        row = cursor.fetchone()
    if row is None:
        return False
    booking.created_at, booking.updated_at = row
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
        asked=(starts_at, ends_at),
        rules=rules,
        now=now,
        ignore=ignore,
    )


# moving along the table


def _get(pk: int) -> Booking:
    rows = Booking.objects.select_related("venue", "resource__venue", "owner")
    booking = rows.annotate(now=Now()).filter(pk=pk).first()  # type: ignore[no-redef]
    if booking is None:
        raise errors.NotFound("There is no such booking.")
    return booking


_ALIVE = transitions.not_due(BOOKING)


def _move(
    move: Transition,
    pk: int,
    actor: Actor,
    because: str = "",
    *,
    where: str = "true",
    params: Sequence[Any] = (),
    toward: str = "",
    **options: Any,
) -> Booking:
    """The booking after the move; refuses `Forbidden`, `AlreadyDone` or `NotAllowedNow`. What the
    clock should already have ended cannot be moved, whether or not its sweep has run. `toward`: the
    status that another move of the same transaction leads to."""
    if actor.by not in move.by:
        raise errors.Forbidden
    if actor.by is ActorRole.OWNER and actor.user:  # a trade may have come first
        where, params = f"({where}) AND owner_id = %s", [*params, actor.user.pk]
    told = {"reason": because, "toward": toward}
    details = {name: text for name, text in told.items() if text}
    if ActorRole.CLOCK not in move.by and actor.by is not ActorRole.PAYMENT:  # who pays is first
        where = f"({where}) AND {_ALIVE}"
    rows = apply_transition(
        move, [pk], actor, details=details, where=where, params=params, **options
    )
    if rows:
        return rows[0]  # type: ignore[no-any-return]
    booking = _get(pk)
    _still_owner(booking, actor)
    raise _immovable(move, booking)


def _immovable(move: Transition, booking: Booking) -> errors.NotAllowedNow:
    due = due_transition(BOOKING, booking, booking.now)
    current = str(due.target) if due else booking.status
    if current == move.target:
        return errors.AlreadyDone(current=current)
    return errors.NotAllowedNow(
        f"A booking that is {Status(current).label.lower()} cannot do that.", current=current
    )


def _still_owner(booking: Booking, actor: Actor) -> None:
    if actor.by is ActorRole.OWNER and actor.user and booking.owner_id != actor.user.pk:
        raise errors.Forbidden("This booking is somebody else's now.")


@retry_on_conflict
def cancel(pk: int, actor: Actor, reason: str = "") -> Booking:
    """Takes a booking back; its slot is free at once. By its owner or staff."""
    return _move(BOOKING.cancel, pk, actor, reason)


@retry_on_conflict
@transaction.atomic
def approve(pk: int, actor: Actor, toward: str = "") -> Booking:
    """Confirms a request, or holds it for payment when it has a price. By staff. `toward`: the
    status that another move of the same transaction leads to.

    Everything is looked at again: the place, its hours and dates, and that it has not begun."""
    if actor.by not in BOOKING.approve.by:
        raise errors.Forbidden
    booking = _locked(pk)  # so that what is looked at is what is confirmed
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
        in_time = "lapses_at > statement_timestamp()"
        return _move(move, pk, actor, where=in_time, sets=sets, toward=toward)
    except errors.NotAllowedNow as refusal:
        now = _get(pk)
        if now.status == PENDING:
            raise errors.AlreadyBegun(
                "It has already begun, it can no longer be approved."
            ) from None
        if now.status == HELD and now.approved_at is None:
            raise errors.NotAllowedNow("It waits for its payment.", current=HELD) from refusal
        raise


def pay(pk: int, actor: Actor) -> Booking:
    """Confirms what was held. A slot that began meanwhile still gets its whole check-in grace."""
    booking = _get(pk)
    again = policy.deadlines(booking.venue, booking.starts_at, booking.ends_at, _now())
    sets = {name: again[name] for name in ("check_in_closes_at", "no_show_at")}
    return _move(BOOKING.pay, pk, actor, sets=sets | {"payment_status": PaymentStatus.SUCCEEDED})


def pay_late(pk: int, actor: Actor) -> Booking:
    """Takes the slot of an expired hold again, if it is still free, still to be had and not over;
    refuses as `book` does. Call it inside the transaction that records the payment."""
    booking = _get(pk)
    place = rules_query.resource(booking.resource_id)
    rules, now = rules_of(place), place.now
    if booking.ends_at <= now:
        raise errors.AlreadyBegun
    policy.check_place(rules, booking.starts_at, booking.ends_at, booking.guests)
    sets: dict[str, Any] = {"payment_status": PaymentStatus.SUCCEEDED}
    sets |= policy.deadlines(rules.venue, booking.starts_at, booking.ends_at, now)
    return _against_rivals(
        booking, rules, now, lambda: _move(BOOKING.pay_late, pk, actor, sets=sets)
    )


def _now() -> datetime:
    """The database's clock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        return cursor.fetchone()[0]  # type: ignore[no-any-return]


@retry_on_conflict
def reject(pk: int, actor: Actor, reason: str = "") -> Booking:
    """Declines a request, or takes a confirmation back. By staff."""
    sets = {"rejection_reason": reason, "approved_by_id": actor.user.pk if actor.user else None}
    return _move(BOOKING.reject, pk, actor, reason, sets=sets)


@retry_on_conflict
def check_in(pk: int, actor: Actor, *, early: bool = False) -> Booking:
    """Somebody is there. Within the check-in window; `early` lets a panel at the door open it.

    Against the release of the same booking exactly one of the two wins."""
    where = "check_in_closes_at > statement_timestamp()" + (
        "" if early else " AND check_in_opens_at <= statement_timestamp()"
    )
    where += " AND (no_show_at IS NULL OR no_show_at > statement_timestamp())"
    try:
        return _move(BOOKING.check_in, pk, actor, where=where)
    except errors.NotAllowedNow:
        booking = _get(pk)
        if booking.status != Status.CONFIRMED:
            raise
        raise errors.CheckInClosed(
            opens_at=booking.check_in_opens_at, closes_at=booking.check_in_closes_at
        ) from None


@retry_on_conflict
def end(pk: int, actor: Actor) -> Booking:
    """They have left: the rest of the slot is free at once. A booking whose venue asks for
    check-in must be checked in, any other must have begun. What is over has no rest."""
    where = (
        "ends_at > statement_timestamp() AND"
        " (status = 'checked_in' OR (no_show_at IS NULL AND starts_at <= statement_timestamp()))"
    )
    return _move(BOOKING.end, pk, actor, where=where)


@retry_on_conflict
def complete(pk: int, actor: Actor) -> Booking:
    return _move(BOOKING.complete, pk, actor)


@retry_on_conflict
def reinstate(pk: int, actor: Actor, toward: str = "") -> Booking:
    """Takes an end back: the booking waits for approval again, if its slot is still free and has
    not begun. By staff. On the way `toward` another status nobody is told of it."""
    booking = _get(pk)
    place = rules_query.resource(booking.resource_id)
    rules, now = rules_of(place), place.now
    if booking.starts_at <= now:
        raise errors.AlreadyBegun
    policy.check_place(rules, booking.starts_at, booking.ends_at, booking.guests)
    again: dict[str, Any] = {"rejection_reason": "", "checked_in_at": None, "ended_at": None}
    again |= policy.deadlines(rules.venue, booking.starts_at, booking.ends_at, now)
    return _against_rivals(
        booking,
        rules,
        now,
        lambda: _move(BOOKING.reinstate, pk, actor, sets=again, toward=toward),
    )


@transaction.atomic
def _against_rivals(
    booking: Booking, rules: Rules, now: datetime, write: Callable[[], Booking]
) -> Booking:
    """Does an UPDATE that the exclusion constraint may refuse: under the lock of the resource,
    once more when what was dead in the way has been ended, else refuses `SlotTaken`."""
    _lock_resources({booking.resource_id, rules.resource.pk})
    for attempt in (1, 2):
        try:
            with transaction.atomic():
                return write()
        except IntegrityError as error:
            if sqlstate(error) != EXCLUSION:
                raise
        if attempt == 1:
            here = (rules.resource.pk, booking.starts_at, booking.ends_at, booking.pk)
            transitions.apply_due_transitions(BOOKING, f"{OVERLAP} AND id <> %s", here)
    raise taken(
        rules, booking.starts_at, booking.ends_at, now, guests=booking.guests, ignore=booking.pk
    )


def _lock_resources(ids: Iterable[int]) -> None:
    """In id order, so that no two movers wait for each other."""
    rows = Resource.objects.filter(pk__in=ids).order_by("pk")
    list(rows.select_for_update(no_key=True, of=("self",)).values_list("pk"))


# moving in time, and editing


@retry_on_conflict
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
    settled: bool = False,
    toward: str = "",
) -> Booking:
    """The edited booking. A new time or place meets the whole policy and the constraint again, and
    needs approval again unless it lies inside what was approved, or is `settled` because whoever
    moves it is who would be asked. By its owner or staff, while it is held, pending or confirmed.
    `toward`: the status that a move of the same transaction leads to, and tells of.
    """
    with transaction.atomic():
        first = _get(pk)
        elsewhere = resource is not None and resource != first.resource_id
        there = resource if resource is not None else first.resource_id
        place = rules_query.resource(there, retired=not elsewhere)
        _lock_resources({first.resource_id, place.pk})
        booking = _editable(pk, actor, place.now)
        if booking.resource_id != first.resource_id:
            raise errors.Busy
        old = _snapshot(booking)
        moved = _with_times(booking, place, starts_at, ends_at)
        if guests is not None and guests > max(place.capacity, booking.guests):
            raise errors.OverCapacity(capacity=place.capacity)
        for name, value in (("title", title), ("notes", notes), ("guests", guests)):
            if value is not None:
                setattr(booking, name, value)
        if attendees is not None:
            booking.attendees.set(attendees)
        if moved:
            _replan(booking, place, old, first.venue_id, check)
        new = _snapshot(booking)
        if new == old and attendees is None:
            return booking
        return _save_edit(booking, place, old, actor, moved, settled, toward)


def _locked(pk: int) -> Booking:
    """The booking under its lock, read after the wait: a query that joins the owner while it waits
    loses the row when a trade gives it another one."""
    list(Booking.objects.select_for_update(no_key=True).filter(pk=pk).values_list("pk"))
    return _get(pk)


def _editable(pk: int, actor: Actor, now: datetime) -> Booking:
    """The booking, locked; refuses `Forbidden`, or `NotAllowedNow` also when the clock should have
    ended it by `now`."""
    booking = _locked(pk)
    _still_owner(booking, actor)
    if actor.by not in BOOKING.resubmit.by:
        raise errors.Forbidden
    due = due_transition(BOOKING, booking, now)
    current = str(due.target) if due else booking.status
    if current not in (HELD, PENDING, CONFIRMED):
        raise errors.NotAllowedNow(
            f"A booking that is {Status(current).label.lower()} cannot be edited.", current=current
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
) -> bool:
    """Writes the new time and place onto the row in memory; whether anything there changed."""
    before = (booking.starts_at, booking.ends_at, booking.resource_id)
    booking.starts_at, booking.ends_at = starts_at or booking.starts_at, ends_at or booking.ends_at
    booking.resource, booking.venue = place, place.venue
    return before != (booking.starts_at, booking.ends_at, place.pk)


def _replan(
    booking: Booking,
    place: Resource,
    old: dict[str, Any],
    venue: int,
    check: Callable[..., None] | None,
) -> None:
    """Meets the policy again and freezes the deadlines anew. A start that is kept keeps what hangs
    on it, so that nobody puts a no-show off by edits. `venue` is the one it leaves."""
    rules, now = rules_of(place), place.now
    starts, ends = booking.starts_at, booking.ends_at
    began = datetime.fromisoformat(old["starts_at"])
    if began <= now and booking.status != HELD and starts != began:
        raise errors.AlreadyBegun
    policy.check_interval(starts, ends, now)
    (check or partial(_check_move, began))(rules, starts, ends, now, booking.guests)
    _reprice(booking, place)
    booking.primetime = policy.is_primetime(rules, starts, ends)
    if booking.status == HELD and _outgrows_approval(booking, rules, old):
        raise errors.NotAllowedNow(
            "That time needs approval; cancel the hold and ask anew.", current=booking.status
        )
    kept = starts == began and booking.venue_id == venue
    for column, value in policy.deadlines(rules.venue, starts, ends, now).items():
        if not kept or column == "completes_at":
            setattr(booking, column, value)


def _reprice(booking: Booking, place: Resource) -> None:
    """The price of the new time and place. It may change only while nothing was paid and payment
    is still to come; everything else would be a way around paying."""
    amount = policy.price(place, booking.starts_at, booking.ends_at)
    currency = place.venue.currency if amount else ""
    if (amount, currency) == (booking.price_minor, booking.currency):
        return
    paid = booking.payment_status == PaymentStatus.SUCCEEDED
    if paid or booking.status == CONFIRMED or (booking.status == HELD and not amount):
        raise errors.NotAllowedNow(
            "A change of its price needs a new booking.", current=booking.status
        )
    booking.price_minor, booking.currency = amount, currency
    booking.payment_status = PaymentStatus.PENDING if amount else PaymentStatus.NONE


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
    booking: Booking,
    place: Resource,
    old: dict[str, Any],
    actor: Actor,
    moved: bool,
    settled: bool,
    toward: str,
) -> Booking:
    rules, now = rules_of(place), place.now
    booking.version += 1

    def write() -> Booking:
        columns = {f.attname: getattr(booking, f.attname) for f in _COLUMNS}
        columns.pop("status")
        Booking.objects.filter(pk=booking.pk).update(**columns, updated_at=Now())
        return booking

    _against_rivals(booking, rules, now, write) if moved else write()
    new = _snapshot(booking)
    details: dict[str, Any] = {
        "from": {k: old[k] for k in old if old[k] != new[k]},
        "to": {k: new[k] for k in new if old[k] != new[k]},
    }
    follows = _answered_by(booking, rules, old) if moved and not settled else None
    if follows is BOOKING.confirm:  # unless whoever moves it says themselves what becomes of it
        follows, toward = (None, toward) if toward else (follows, CONFIRMED)
    details |= {"moved": moved, "resubmitted": follows is BOOKING.resubmit}
    if toward:
        details["toward"] = toward
    booking_changed.send(sender=Booking, rows=[booking], actor=actor, details=details)
    if follows:
        apply_transition(follows, [booking.pk], actor, details={"reason": "moved"})
    return _get(booking.pk)


def _answered_by(booking: Booking, rules: Rules, old: dict[str, Any]) -> Transition | None:
    """What a move changes of the answer: a confirmed booking may lose it, a request that would be
    confirmed at once if it were made now waits for nobody any more."""
    if booking.status == CONFIRMED and _outgrows_approval(booking, rules, old):
        return BOOKING.resubmit
    free = not booking.price_minor and not policy.needs_approval(rules, booking.primetime)
    return BOOKING.confirm if booking.status == PENDING and free else None


def _outgrows_approval(booking: Booking, rules: Rules, old: dict[str, Any]) -> bool:
    """Whether an approval is needed and what was approved does not cover the new time and place."""
    if not policy.needs_approval(rules, booking.primetime):
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
# from another end, by way of a request
REOPENED = (Status.CONFIRMED, Status.CANCELLED, Status.REJECTED)


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
        reopens = status in REOPENED and actor.is_staff
        if reopens and booking.status in BOOKING.reinstate.sources:
            reinstate(pk, actor, toward=status)
        if status == Status.COMPLETED and booking.status == PENDING:
            approve(pk, actor, toward=status)
        return WORDS[status](pk, actor)


def answer(
    ids: Sequence[int], actor: Actor, verb: Callable[[int, Actor], Booking]
) -> list[tuple[int, Booking | errors.Refusal]]:
    """Each id with its booking or its refusal: one failing does not hold the others up."""
    results: list[tuple[int, Booking | errors.Refusal]] = []
    for pk in ids:
        try:
            results.append((pk, verb(pk, actor)))
        except errors.Refusal as refusal:
            results.append((pk, refusal))
    return results


def open_of(owner: User) -> Q:
    return Q(owner=owner, status__in=BOOKING.blocking)
