"""Which resources serve which needs of a service, and how many such bookings fit at a time.

A need takes a number of units of the resources of its pool; in one booking no resource serves two
needs. Pools may overlap, so that counting each by itself is not enough. The numbers are small: a
time has some dozen resources.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from itertools import chain
from math import prod
from typing import NamedTuple

MAX_STATES = 20_000  # of free units that an exact count looks at


class Wanted(NamedTuple):
    """A need: the ids of the resources that may serve it, the preferred ones first, and how many
    units of them it takes."""

    candidates: Sequence[int]
    units: int


Free = Mapping[int, int]  # units, by the id of the resource
Choice = dict[int, int]


def choose(
    needs: Sequence[Wanted], free: Free, later: Sequence[Wanted] = ()
) -> list[Choice] | None:
    """For each need the resources that serve it, by their order, with the units of each; None if
    the needs do not fit together. Resources that others need `later` are left to them where that
    can be."""
    if not fits(needs, free):
        return None
    if not _can_supply([*needs, *later], free):
        later = ()
    chosen: list[Choice] = [{} for _ in needs]
    left, missing = dict(free), [need.units for need in needs]
    pools = [list(need.candidates) for need in needs]
    for n, need in enumerate(needs):
        for pk in need.candidates:
            if not missing[n]:
                break
            units = min(left.get(pk, 0), missing[n])
            if not units or pk not in pools[n]:
                continue
            without = [[each for each in pool if each != pk] for pool in pools]
            rest = [*missing[:n], missing[n] - units, *missing[n + 1 :]]
            then = list(map(Wanted, without, rest))
            after = left | {pk: left[pk] - units}
            if fits(then, after) and (not later or _can_supply([*then, *later], after)):
                chosen[n][pk], pools, missing, left = units, without, rest, after
    return chosen


def fits(needs: Sequence[Wanted], free: Free) -> bool:
    """Whether one booking with these needs fits into what is free."""
    if not _can_supply(needs, free):
        return False
    pk = next((pk for pk in list_shared(needs, free) if free[pk] > 1), None)
    if pk is None:
        return True
    return any(
        fits([_without(pk, other) if m != n else other for m, other in enumerate(needs)], free)
        for n, need in enumerate(needs)
        if pk in need.candidates
    )


def count(needs: Sequence[Wanted], free: Free) -> int:
    """How many bookings with these needs fit beside each other, if none takes what only another
    could use."""
    most = min(sum(free.get(pk, 0) for pk in each.candidates) // each.units for each in needs)
    shared = list_shared(needs, free)
    if not most or not shared:
        return most
    several = any(free[pk] > 1 for pk in shared)
    if several and any(need.units > 1 for need in needs):
        return _count_one_by_one(needs, free, most)
    members = _list_members(needs)
    kinds = _join_alike(members, free)

    def do_fit(bookings: int) -> bool:
        wanted = [Wanted(need.candidates, bookings * need.units) for need in needs]
        if not several:
            return _flows(wanted, kinds)
        # one booking takes of each resource at most one unit: so many units at most are of use
        usable = {pk: min(units, bookings) for pk, units in free.items()}
        return _flows(wanted, _join_alike(members, usable))

    return bisect_left(range(1, most + 1), True, key=lambda n: not do_fit(n))


def _without(pk: int, need: Wanted) -> Wanted:
    return need._replace(candidates=[each for each in need.candidates if each != pk])


def list_shared(needs: Sequence[Wanted], free: Free) -> list[int]:
    """The free resources that may serve more than one of the needs."""
    if len(needs) == 1:
        return []
    times: dict[int, int] = defaultdict(int)
    for pk in chain.from_iterable(need.candidates for need in needs):
        times[pk] += 1
    return [pk for pk, number in times.items() if number > 1 and free.get(pk, 0)]


def _can_supply(needs: Sequence[Wanted], free: Free) -> bool:
    """Whether there are enough units for all needs together."""
    return _flows(needs, _join_alike(_list_members(needs), free))


def _flows(needs: Sequence[Wanted], kinds: Mapping[tuple[int, ...], int]) -> bool:
    """The same of units that are counted by the needs that they may serve."""
    wanted = [
        Wanted([k for k, kind in enumerate(kinds) if n in kind], need.units)
        for n, need in enumerate(needs)
    ]
    flow = _Flow(wanted, dict(enumerate(kinds.values())))
    return all(flow.supply(n) for n in range(len(needs)))


def _join_alike(members: Mapping[int, tuple[int, ...]], free: Free) -> dict[tuple[int, ...], int]:
    """The units by the needs that they may serve: of two hundred resources a few kinds are left."""
    found: dict[tuple[int, ...], int] = defaultdict(int)
    for pk, may_serve in members.items():
        found[may_serve] += free.get(pk, 0)
    return found


def _list_members(needs: Sequence[Wanted]) -> dict[int, tuple[int, ...]]:
    """The needs that each resource may serve, by its id."""
    found: dict[int, tuple[int, ...]] = {}
    for n, need in enumerate(needs):
        for pk in need.candidates:
            found[pk] = (*found.get(pk, ()), n)
    return found


class _Flow:
    """The largest flow from the resources to the needs: a need that finds nothing free takes from
    another what that can replace."""

    def __init__(self, needs: Sequence[Wanted], free: Free) -> None:
        self.needs, self.left = needs, dict(free)
        self.taken: list[Choice] = [defaultdict(int) for _ in needs]

    def supply(self, n: int) -> bool:
        missing = self.needs[n].units
        while missing and (found := self._take(n, missing, set())):
            missing -= found
        return not missing

    def _take(self, n: int, units: int, seen: set[int]) -> int:
        """Gives up to so many units to a need; returns how many."""
        for pk in self.needs[n].candidates:
            if found := min(self.left.get(pk, 0), units):
                self.left[pk] -= found
                self.taken[n][pk] += found
                return found
        for pk in self.needs[n].candidates:
            if pk not in seen:
                seen.add(pk)
                if found := self._replace(n, pk, units, seen):
                    return found
        return 0

    def _replace(self, n: int, pk: int, units: int, seen: set[int]) -> int:
        """Takes units of the resource from needs that have others instead."""
        for m, theirs in enumerate(self.taken):
            if m != n and theirs[pk] and (found := self._take(m, min(units, theirs[pk]), seen)):
                theirs[pk] -= found
                self.taken[n][pk] += found
                return found
        return 0


def _count_one_by_one(needs: Sequence[Wanted], free: Free, most: int) -> int:
    """By trying which booking comes first. Of very many free units only by taking of those of
    which the most are free: what is counted then does fit, but more might."""
    ids: Collection[int] = sorted(set(chain.from_iterable(need.candidates for need in needs)))
    if prod(free.get(pk, 0) + 1 for pk in ids) > MAX_STATES:
        return min(most, _count_greedily(needs, free))

    @cache
    def count_from(units: tuple[int, ...]) -> int:
        now = dict(zip(ids, units, strict=True))
        best = 0
        for chosen in _list_choices(needs, now):
            rest = tuple(now[pk] - sum(choice.get(pk, 0) for choice in chosen) for pk in ids)
            best = max(best, 1 + count_from(rest))
        return best

    return min(most, count_from(tuple(free.get(pk, 0) for pk in ids)))


def _count_greedily(needs: Sequence[Wanted], free: Free) -> int:
    left, found = dict(free), 0
    while True:
        order = sorted(left, key=lambda pk: -left[pk])
        by_free = [
            Wanted([pk for pk in order if pk in each.candidates], each.units) for each in needs
        ]
        chosen = choose(by_free, left)
        if chosen is None:
            return found
        found += 1
        for pk, units in chain.from_iterable(choice.items() for choice in chosen):
            left[pk] -= units


def _list_choices(needs: Sequence[Wanted], free: Free) -> list[list[Choice]]:
    """Every way to serve all the needs."""
    choices: list[list[Choice]] = [[]]
    for need in needs:
        choices = [
            [*chosen, more]
            for chosen in choices
            for more in _list_ways(need, free, {pk for each in chosen for pk in each})
        ]
    return choices


def _list_ways(need: Wanted, free: Free, used: Collection[int]) -> list[Choice]:
    """Every way to take the units of one need from resources that are not used."""
    ways: list[Choice] = [{}]
    for pk in need.candidates:
        if pk not in used:
            ways += [
                way | {pk: units}
                for way in ways
                for units in range(1, min(free.get(pk, 0), need.units - sum(way.values())) + 1)
            ]
    return [way for way in ways if sum(way.values()) == need.units]
