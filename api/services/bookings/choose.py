"""Chooses the resources of a service booking: of those that are free the preferred ones first, then
those whose turn it is. The choice is a guess, the constraint decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain

from api import errors
from api.models import Resource
from api.policy import Rules
from api.queries.bookings.candidates import list_candidates
from api.queries.bookings.fairness import sort_by_turn
from api.queries.bookings.matching import Wanted, choose, count, list_shared
from api.queries.bookings.occupancy import list_conflicts
from api.queries.bookings.service_slots import find_nearest, list_places
from api.queries.venues.services import ServiceRules

from .parts import build_parts, divide_guests

MAX_TRIES = 200  # each is lost to a rival who has won


@dataclass(frozen=True)
class Wish:
    """What is to be booked. `ignore`: the id of a booking that moves."""

    service: ServiceRules
    starts_at: datetime
    duration: timedelta
    quantity: int = 1
    guests: int = 1
    prefer: Sequence[int] = ()
    ignore: int = 0

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + self.duration


CheckTime = Callable[[Rules, datetime, datetime, datetime], None]


def iter_choices(wish: Wish, *, check: CheckTime | None = None) -> Iterator[list[Rules]]:
    """The rules of the resources that are to serve it, looked for anew each time that the last ones
    were lost. Refuses what the policy refuses for all that might do, and `SlotTaken` once nothing
    is left that fits, with what blocks and the nearest times."""
    needs = _list_candidates(wish, check)
    free = _count_free(wish)
    needs = _sort_candidates(wish, needs, free)
    for _ in range(MAX_TRIES):
        chosen = choose(needs, free, _list_later(wish, needs, free))
        if chosen is None:
            raise _build_refusal(wish, needs)
        yield [
            replace(wish.service.rules[pk], units=units)
            for pk, units in chain.from_iterable(choice.items() for choice in chosen)
        ]
        free = _count_free(wish)


def _list_later(wish: Wish, needs: Sequence[Wanted], free: Mapping[int, int]) -> list[Wanted]:
    """What all others need who still fit beside this booking. Where pools overlap it leaves to them
    what only they can use, unless somebody was wished for."""
    if wish.prefer or not list_shared(needs, free):
        return []
    one = [need._replace(units=need.units // wish.quantity) for need in needs]
    others = count(one, free) - wish.quantity
    return [need._replace(units=need.units * others) for need in one] if others > 0 else []


def _list_candidates(wish: Wish, check: CheckTime | None) -> list[Wanted]:
    """The needs with those resources that the policy allows. Refuses where these do not do."""
    service = wish.service
    if not service.needs or not service.rules:
        raise errors.ResourceUnavailable(because="switched off")
    if check is not None:
        check(next(iter(service.rules.values())), wish.starts_at, wish.ends_at, service.now)
    return list_candidates(
        service,
        wish.starts_at,
        wish.ends_at,
        quantity=wish.quantity,
        guests=divide_guests(wish.guests, wish.quantity),
    )


def _count_free(wish: Wish) -> dict[int, int]:
    places = list_places(wish.service, wish.starts_at, wish.ends_at, wish.ignore)
    return {pk: each.count_free(wish.starts_at, wish.ends_at) for pk, each in places.items()}


def _sort_candidates(wish: Wish, needs: Sequence[Wanted], free: Mapping[int, int]) -> list[Wanted]:
    """The needs with their resources in the order in which they are taken."""
    _check_preferred(wish)
    ids = {pk for need in needs for pk in need.candidates if free.get(pk, 0)}
    if any(sum(pk in ids for pk in need.candidates) > 1 for need in needs):
        order = sort_by_turn(wish.service.venue, sorted(ids), wish.starts_at, wish.ignore)
    else:
        order = sorted(ids)  # there is nothing to choose
    first = [pk for pk in dict.fromkeys(wish.prefer) if pk in ids]
    order = [*first, *(pk for pk in order if pk not in first)]
    lost = {pk: n for n, pk in enumerate(order)}
    return [
        need._replace(
            candidates=sorted(need.candidates, key=lambda pk: (lost.get(pk, len(order)), pk))
        )
        for need in needs
    ]


def _check_preferred(wish: Wish) -> None:
    """Refuses `Unfit` for a preferred resource that does not exist; one that does not serve the
    service is a wish that cannot be met."""
    others = {pk for pk in wish.prefer if pk not in wish.service.rules}
    if others and Resource.objects.filter(pk__in=others).count() < len(others):
        raise errors.Unfit(errors={"prefer": ["There is no such resource."]})


def _build_refusal(wish: Wish, needs: Sequence[Wanted]) -> errors.SlotTaken:
    interval = wish.starts_at, wish.ends_at
    ids = dict.fromkeys(pk for need in needs for pk in need.candidates)
    parts = build_parts([wish.service.rules[pk] for pk in ids], *interval)
    return errors.SlotTaken(
        find_conflicts=lambda: list_conflicts(parts, wish.ignore),
        find_alternatives=lambda: find_nearest(
            wish.service,
            wish.starts_at,
            wish.duration,
            quantity=wish.quantity,
            ignore=wish.ignore,
        ),
        requested=interval,
        now=wish.service.now,
    )
