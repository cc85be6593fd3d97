"""What would become of each occurrence of a series: looked up for all of them at once.

1. The policy refuses some, and says of others that they are too far ahead: these come later.
2. One statement looks at what is taken of the rest; of a service each occurrence is chosen for.
3. For those that are taken the nearest free times are looked up, within a day, and never onto
   another occurrence; where the series asks for that, they move there.

Nothing is written. What is free by the plan is taken by `book`, or the plan is made again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from api import errors, policy
from api.models import Series
from api.models.series import OnConflict, Outcome
from api.policy import Check, Interval, Rules
from api.queries.bookings.occupancy import Part
from api.queries.series.occupied import Taking, is_free, list_conflicts_of, list_taken_units
from api.queries.series.occurrences import Occurrence, OccurrenceOutcome
from api.queries.venues.services import ServiceRules, get_service_rules
from api.recurrence import refuse
from api.services.bookings.choose import Wish, iter_choices
from api.services.bookings.parts import (
    build_parts,
    check_all,
    check_one_venue,
    check_quantity,
    list_rules,
)

from .nearest import chunk, find_nearest_of_resources, find_nearest_of_service

BOOKABLE = (Outcome.WOULD_BOOK, Outcome.MOVED)


@dataclass(frozen=True)
class Wanted:
    """What each occurrence is to book: the resources of the `rules`, or the `service`.

    `check` is the policy that an occurrence has to pass. `own`: the bookings (ids) that move, by
    recurrence id: they make room."""

    rules: Sequence[Rules]
    service: ServiceRules | None
    now: datetime
    on_conflict: str
    quantity: int = 1
    guests: int = 1
    prefer: Sequence[int] = ()
    check: Callable[[Occurrence], Check] = lambda _: policy.check_booking
    own: Mapping[datetime, int] = field(default_factory=dict)

    @property
    def ignore(self) -> Collection[int]:
        return self.own.values()

    @property
    def any_rules(self) -> list[Rules]:
        return list(self.service.rules.values()) if self.service else list(self.rules)


def read_wanted(series: Series, *, retired: bool = False, **options: Any) -> Wanted:
    """What a series books with its rules, read now; also what takes no new bookings any more, if
    `retired`. Refuses `NotFound` and `Unfit`."""
    options = {
        "on_conflict": series.on_conflict,
        "quantity": series.quantity,
        "guests": series.guests,
        "prefer": series.prefer,
        **options,
    }
    if series.service_id is not None:
        service = get_service_rules(series.service_id, retired=retired)
        wanted = Wanted((), service, service.now, **options)
    else:
        rules = list_rules([series.resource_id or 0, *series.others])
        if not retired and any(each.resource.retired_at for each in rules):
            raise errors.NotFound("There is no such resource.")
        check_one_venue([each.resource for each in rules])
        check_quantity(rules, series.quantity)
        wanted = Wanted(rules, None, rules[0].resource.now, **options)
    venue = service.venue if wanted.service else rules[0].venue
    if venue.pk != series.venue_id:
        raise errors.Unfit(errors={"resource": ["It is of another venue."]})
    return wanted


def plan(wanted: Wanted, occurrences: Sequence[Occurrence]) -> list[OccurrenceOutcome]:
    """What would become of each of them, in their order, which is by recurrence id."""
    _check_apart(wanted, occurrences)
    find = _plan_service if wanted.service else _plan_resources
    outcomes = find(wanted, occurrences)
    if any(each.outcome == Outcome.TAKEN for each in outcomes):
        outcomes = _look_nearby(wanted, outcomes)
    return outcomes


def _check_apart(wanted: Wanted, occurrences: Sequence[Occurrence]) -> None:
    """Refuses `Unfit` where the buffers of one would lie over another."""
    buffers = [each.buffers for each in wanted.any_rules]
    between = max((before + after for before, after in buffers), default=timedelta(0))
    if any(two.starts_at < one.ends_at + between for one, two in pairwise(occurrences)):
        raise refuse("It overlaps itself.")


def _plan_resources(wanted: Wanted, occurrences: Sequence[Occurrence]) -> list[OccurrenceOutcome]:
    checked = [_check(wanted, each, wanted.rules) for each in occurrences]
    parts: list[Part] = []
    for each in checked:
        if each.outcome == Outcome.WOULD_BOOK:
            parts += build_parts(wanted.rules, *each.interval, wanted.quantity)
    taken = list_taken_units(parts, wanted.ignore)
    rows = iter(chunk(list(zip(parts, taken, strict=True)), len(wanted.rules)))
    in_the_way: dict[datetime, list[Taking]] = {}
    for each in checked:
        if each.outcome == Outcome.WOULD_BOOK:
            full = [(part, found) for part, found in next(rows) if not is_free(part, found)]
            if full:
                in_the_way[each.recurrence_id] = [
                    (part, row) for part, found in full for row in found if row.counts
                ]
    found = list_conflicts_of(list(in_the_way.values()))
    conflicts = dict(zip(in_the_way, found, strict=True))
    return [
        replace(
            each,
            outcome=Outcome.TAKEN,
            code=errors.SlotTaken.code,
            conflicts=conflicts[each.recurrence_id],
        )
        if each.recurrence_id in conflicts
        else each
        for each in checked
    ]


def _check(wanted: Wanted, occurrence: Occurrence, rules: Sequence[Rules]) -> OccurrenceOutcome:
    """What the policy says of it, at its own time."""
    found = OccurrenceOutcome(
        occurrence, Outcome.WOULD_BOOK, *occurrence.interval, rules=tuple(rules)
    )
    people: dict[str, Any] = {"guests": wanted.guests, "quantity": wanted.quantity}
    try:
        check_all(wanted.check(occurrence), rules, *occurrence.interval, wanted.now, **people)
    except errors.TooFarAhead:
        return replace(found, outcome=Outcome.LATER)
    except errors.Refusal as refusal:
        return replace(found, outcome=Outcome.REFUSED, refusal=refusal, code=refusal.code)
    return found


def _plan_service(wanted: Wanted, occurrences: Sequence[Occurrence]) -> list[OccurrenceOutcome]:
    return [_choose(wanted, each) for each in occurrences]


def _choose(wanted: Wanted, occurrence: Occurrence) -> OccurrenceOutcome:
    """Its outcome with the resources that would serve it."""
    found = OccurrenceOutcome(occurrence, Outcome.WOULD_BOOK, *occurrence.interval)
    try:
        return replace(found, rules=tuple(_choose_at(wanted, occurrence, *occurrence.interval)))
    except errors.Invalid:  # of all of them: the body is wrong
        raise
    except errors.TooFarAhead:
        return replace(found, outcome=Outcome.LATER)
    except errors.SlotTaken as refusal:
        taken = replace(found, outcome=Outcome.TAKEN, code=refusal.code)
        return replace(taken, conflicts=refusal.conflicts)
    except errors.Refusal as refusal:
        return replace(found, outcome=Outcome.REFUSED, refusal=refusal, code=refusal.code)


def _choose_at(
    wanted: Wanted, occurrence: Occurrence, starts_at: datetime, ends_at: datetime
) -> Sequence[Rules]:
    """The resources for that time, chosen where it is of a service; refuses as `iter_choices`."""
    if wanted.service is None:
        return wanted.rules
    wish = Wish(
        wanted.service,
        starts_at,
        ends_at - starts_at,
        quantity=wanted.quantity,
        guests=wanted.guests,
        prefer=wanted.prefer,
        ignore=wanted.own.get(occurrence.recurrence_id, 0),
    )
    check = None if wanted.own else policy.check_time
    return next(iter_choices(wish, check=check))


def _look_nearby(wanted: Wanted, outcomes: Sequence[OccurrenceOutcome]) -> list[OccurrenceOutcome]:
    """The same with the nearest free times of those that are taken; moved there if asked to."""
    own = [each.interval for each in outcomes if each.outcome in (*BOOKABLE, Outcome.LATER)]
    taken = [each for each in outcomes if each.outcome == Outcome.TAKEN]
    moves = wanted.on_conflict == OnConflict.NEAREST
    find = find_nearest_of_service if wanted.service else find_nearest_of_resources
    found: dict[datetime, OccurrenceOutcome] = {}
    nearest = find(wanted, taken)
    for each, list_near in zip(taken, nearest, strict=True):
        alternatives = list_near(own)
        found[each.recurrence_id] = replace(each, alternatives=alternatives)
        if moves and alternatives and (moved := _move(wanted, each, alternatives)):
            found[each.recurrence_id] = moved
            own.append(moved.interval)
    return [found.get(each.recurrence_id, each) for each in outcomes]


def _move(
    wanted: Wanted, taken: OccurrenceOutcome, alternatives: Sequence[Interval]
) -> OccurrenceOutcome | None:
    for interval in alternatives:
        try:
            rules = _choose_at(wanted, taken.occurrence, *interval)
        except errors.Refusal:
            continue
        starts_at, ends_at = interval
        return replace(
            taken,
            outcome=Outcome.MOVED,
            code="",
            starts_at=starts_at,
            ends_at=ends_at,
            rules=tuple(rules),
        )
    return None
