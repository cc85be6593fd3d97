"""Changes a series, or what follows from one of its occurrences.

1. The occurrences that follow become a series of their own; this one ends before them.
2. All of them shift by the same wall time. Those that were moved by themselves keep their place,
   those that are past or checked in stay; a cancelled one stays cancelled.
3. Times and resources are planned as of a new series, with what the bookings have now as free.
   What cannot be moved, where that is to be skipped, stays where it is.
4. The places are given back and taken anew by one statement, sorted; each booking meets the policy
   again as one that is moved by itself does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.db import IntegrityError, connection, transaction

from api import errors, policy
from api.lifecycle import BOOKING, Transition
from api.models import Allocation, Booking, Series
from api.models.copies import copy_row
from api.models.series import OnConflict, Outcome
from api.queries.clock import database_now
from api.queries.series.occurrences import (
    Occurrence,
    OccurrenceOutcome,
    expand_series,
    find_occurrence,
    find_wall,
    is_apart,
)
from api.queries.venues.services import get_service_rules
from api.recurrence import get_first_wall
from api.services.accounts.joining import find_attendees
from api.services.actors import Actor
from api.services.bookings.changes import BookingChanges, record_values
from api.services.bookings.parts import BuffersOf, keep_these_buffers, list_buffers
from api.services.bookings.reschedule import (
    find_follow_up,
    plan_again,
)
from api.services.bookings.slots import lock_resources
from api.services.conflicts import EXCLUSION_VIOLATION, get_sqlstate, retry_on_conflict
from api.services.messages import outbox
from api.signals import slots_freed

from .actions import list_ahead
from .announce import announce_changes, replace_attendees
from .book import LostError, end_what_is_overdue, pick_places
from .create import MAX_TRIES, SeriesResult, check_outcomes
from .letters import build_letters
from .limits import are_within_quotas, limit_quotas
from .plan import BOOKABLE, Wanted, plan, read_wanted
from .rows import (
    describe_bookings,
    describe_later,
    describe_unmoved,
    lock_series,
    set_extends_at,
    split,
    write_series,
)
from .statements import insert_places, update_bookings

TEXTS = ("title", "notes")
# what makes the bookings meet the policy and the constraint again
MOVES = (
    *("starts_at", "ends_at", "resource", "others", "quantity", "service", "duration", "prefer"),
    "guests",
)


@dataclass
class _Edit:
    """A change as it is carried out. `target` is the series that the affected ones are of then."""

    series: Series
    target: Series
    since: datetime | None
    changes: BookingChanges
    on_conflict: str
    bookings: dict[datetime, Booking]  # that are ahead, by recurrence id
    movable: dict[datetime, Booking] = field(default_factory=dict)
    attendees: list[int] | None = None
    follow_ups: dict[int, Transition] = field(default_factory=dict)  # of what moves, by booking

    @property
    def moves(self) -> bool:
        return any(getattr(self.changes, name) is not None for name in MOVES)

    def foresee(self, booking: Booking) -> Booking:
        """The booking in the status that the change gives it."""
        if follow_up := self.follow_ups.get(booking.pk):
            booking = copy_row(booking)
            booking.status = follow_up.target
        return booking


@retry_on_conflict
def edit_series(
    series_id: int,
    actor: Actor,
    changes: BookingChanges,
    *,
    since: datetime | None = None,
    on_conflict: str = OnConflict.REFUSE.value,
    dry_run: bool = False,
) -> SeriesResult:
    """Changes all that is ahead, or what follows from that recurrence id, which is a series of its
    own then. Times are those of the first one affected. By its owner or staff.

    Refuses as `create_series` does, with all `occurrences`."""
    if actor.by not in BOOKING.resubmit.by:
        raise errors.Forbidden
    for n in range(MAX_TRIES):
        outcomes: list[OccurrenceOutcome] = []
        try:
            with transaction.atomic():
                edit = _prepare(lock_series(series_id), changes, since, on_conflict)
                outcomes = _plan(edit, actor) if edit.moves else []
                if dry_run:
                    transaction.set_rollback(True)
                    found = outcomes or describe_unmoved(edit.bookings.values())
                    return SeriesResult(edit.target, [*found, *describe_later(edit.target)])
                return SeriesResult(_carry_out(edit, outcomes, actor, make_way=n > 0))
        except LostError:
            end_what_is_overdue(outcomes)
    raise errors.Busy


def _prepare(
    series: Series, changes: BookingChanges, since: datetime | None, on_conflict: str
) -> _Edit:
    """The change with the bookings that it is about; refuses what contradicts itself."""
    occurrences = {each.recurrence_id: each for each in expand_series(series)}
    if since is not None and find_occurrence(series, since) == next(iter(occurrences.values())):
        since = None  # that is all of it
    bookings = {
        booking.recurrence_id: booking
        for booking in list_ahead(series, since).select_related("venue", "resource", "owner")
        if booking.recurrence_id is not None
    }
    target = split(series, since) if since else series
    edit = _Edit(series, target, since, changes, on_conflict, bookings)
    edit.movable = {
        at: booking
        for at, booking in bookings.items()
        if at in occurrences and not is_apart(series, occurrences[at], booking)
    }
    later = [at for at in occurrences if target.later_from and at >= target.later_from]
    affected = sorted([*edit.movable, *later])
    if not affected and not bookings:
        raise errors.NotAllowedNow("Nothing of it is left to change.", current="")
    if edit.moves and affected:
        _shift(edit, occurrences[affected[0]])
    elif edit.moves:
        raise errors.NotAllowedNow("All that is left was moved by itself.", current="")
    _apply_to_series(edit)
    return edit


def _shift(edit: _Edit, first: Occurrence) -> None:
    """Shifts the target as the first one affected is to be."""
    changes, target = edit.changes, edit.target
    starts_at = changes.starts_at or first.starts_at
    policy.check_plausible(starts_at)
    duration = target.duration
    service_id = changes.service or (target.service_id if changes.resource is None else None)
    if service_id:
        service = get_service_rules(service_id, retired=service_id == target.service_id)
        if changes.ends_at is not None:
            duration = changes.ends_at - starts_at
        elif changes.duration is not None or changes.service is not None:
            duration = service.get_duration(changes.duration)
        service.get_duration(duration)
    elif changes.ends_at is not None or changes.starts_at is not None:
        duration = (changes.ends_at or first.ends_at) - starts_at
    if duration <= timedelta(0):
        raise errors.EndsBeforeStart
    policy.check_interval(starts_at, starts_at + duration, database_now())
    if changes.starts_at is not None:
        target.shift = get_first_wall(starts_at, target.zone) - find_wall(target, first)
    target.duration = duration


def _apply_to_series(edit: _Edit) -> None:
    changes, target = edit.changes, edit.target
    for name in (*TEXTS, "guests", "quantity"):
        if (value := getattr(changes, name)) is not None:
            setattr(target, name, value)
    if changes.resource is not None:
        target.resource_id, target.others = changes.resource, list(changes.others or ())
        target.service_id, target.prefer = None, []
    elif changes.others is not None:
        target.others = list(changes.others)
    if changes.service is not None:
        target.service_id, target.resource_id, target.others = changes.service, None, []
    if changes.prefer is not None:
        target.prefer = list(changes.prefer)
    if changes.attendees is not None:
        people = [each if isinstance(each, int) else each.pk for each in changes.attendees]
        known = [target.owner_id, *target.attendees]
        edit.attendees = target.attendees = find_attendees(target.venue_id, people, known)


def _plan(edit: _Edit, actor: Actor) -> list[OccurrenceOutcome]:
    """What would become of each that is to be moved, with its booking as it would be. What stays
    where it is keeps its time, so that the others are planned once more."""
    target = edit.target
    planned = [each for each in expand_series(target) if each.recurrence_id in edit.movable]
    wanted = _read_wanted(edit)
    lock_resources(
        {booking.resource_id for booking in edit.movable.values()}
        | {each.resource.pk for each in wanted.any_rules}
    )
    movers = dict(edit.movable)
    buffers = list_buffers([booking.pk for booking in movers.values()])
    stays: dict[datetime, OccurrenceOutcome] = {}
    while True:
        own = {at: booking.pk for at, booking in movers.items()}
        going = [each for each in planned if each.recurrence_id in movers]
        outcomes = [
            _build_moved(edit, each, buffers[own[each.recurrence_id]])
            for each in plan(replace(wanted, own=own), going)
        ]
        outcomes = limit_quotas(outcomes, actor, movers, edit.foresee)
        left = [each for each in outcomes if each.outcome not in BOOKABLE]
        stays |= {each.recurrence_id: each for each in left}
        found = sorted([*outcomes, *stays.values()], key=lambda each: each.recurrence_id)
        unique = list({each.recurrence_id: each for each in found}.values())
        if not left or edit.on_conflict == OnConflict.REFUSE or len(left) == len(going):
            return unique
        for each in left:
            del movers[each.recurrence_id]


def _read_wanted(edit: _Edit) -> Wanted:
    previous = {at: booking.starts_at for at, booking in edit.movable.items()}
    return read_wanted(
        edit.target,
        retired=edit.changes.resource is None and edit.changes.service is None,
        on_conflict=edit.on_conflict,
        check=lambda each: policy.check_reschedule(previous[each.recurrence_id]),
    )


def _build_moved(edit: _Edit, each: OccurrenceOutcome, buffers: BuffersOf) -> OccurrenceOutcome:
    """With the booking as it would be written; refused where it may not be."""
    booking = edit.movable[each.recurrence_id]
    if each.outcome == Outcome.LATER:  # it has a place already
        refusal: errors.Refusal = errors.TooFarAhead()
        return replace(each, outcome=Outcome.REFUSED, refusal=refusal, code=refusal.code)
    if each.outcome not in BOOKABLE:
        return each
    moved = copy_row(booking)
    before = record_values(booking)
    first = each.rules[0]
    moved.resource, moved.venue, moved.service = first.resource, first.venue, first.service
    moved.several = len(each.rules) > 1
    moved.starts_at, moved.ends_at = each.interval
    moved.quantity, moved.guests = edit.target.quantity, edit.target.guests
    try:
        plan_again(
            moved, each.rules, before, booking.venue_id, policy.check_reschedule(booking.starts_at)
        )
    except errors.Refusal as refusal:
        return replace(each, outcome=Outcome.REFUSED, refusal=refusal, code=refusal.code)
    edit.follow_ups.pop(booking.pk, None)
    others = [rules.resource.pk for rules in each.rules[1:]]
    if follow_up := find_follow_up(moved, first, before, others):
        edit.follow_ups[booking.pk] = follow_up
    rules = tuple(keep_these_buffers(buffers, each.rules))
    return replace(each, booking=moved, rules=rules)


def _carry_out(
    edit: _Edit, outcomes: Sequence[OccurrenceOutcome], actor: Actor, *, make_way: bool
) -> Series:
    if outcomes:
        check_outcomes(outcomes, edit.on_conflict)
    moved = {each.recurrence_id: each for each in outcomes if each.outcome in BOOKABLE}
    target = edit.target
    set_extends_at(target, target.venue)
    if edit.since is not None:
        set_extends_at(edit.series, edit.series.venue)
        target.created_at = database_now()
        target.save(force_insert=True)
        Booking.objects.filter(series=edit.series.pk, recurrence_id__gte=edit.since).update(
            series=target
        )
    write_series(edit.series)
    bookings: list[Booking] = []
    for at, booking in edit.bookings.items():
        after = moved[at].booking if at in moved else copy_row(booking)
        if after is None:
            continue
        for name in TEXTS:
            if (value := getattr(edit.changes, name)) is not None:
                setattr(after, name, value)
        after.series = target
        after.version += 1
        bookings.append(after)
    _write(bookings, list(moved.values()), make_way=make_way)
    if edit.attendees is not None:
        replace_attendees(bookings, edit.attendees)
    going = {booking.pk for at, booking in edit.bookings.items() if at in moved}
    follow_ups = {pk: move for pk, move in edit.follow_ups.items() if pk in going}
    rows = announce_changes(
        target, list(edit.bookings.values()), bookings, going, follow_ups, actor
    )
    if not are_within_quotas([row for row in rows if row.pk in going], actor, edit.movable):
        raise LostError
    if moved:
        outbox.put(build_letters(target, "changed", describe_bookings(rows)))
        slots_freed.send(sender=Booking)
    return target


def _write(
    bookings: Sequence[Booking], moved: Sequence[OccurrenceOutcome], *, make_way: bool
) -> None:
    """Writes the bookings, and takes the places of those that moved anew."""
    if not bookings:  # all of it is later
        return
    ids = [each.booking.pk for each in moved if each.booking]
    try:
        with connection.cursor() as cursor:
            Allocation.objects.filter(booking__in=ids).delete()
            cursor.execute(*update_bookings(bookings))
            if places := pick_places(moved, make_way=make_way):
                cursor.execute(*insert_places(places))
    except IntegrityError as error:
        if get_sqlstate(error) == EXCLUSION_VIOLATION:
            raise LostError from error
        raise
