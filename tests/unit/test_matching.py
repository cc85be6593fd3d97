"""Which resources serve which needs: greedy, flow and counts against a search of everything."""

from __future__ import annotations

from functools import cache
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from api.queries.bookings.matching import Wanted, choose, count, fits

RESOURCES = st.integers(min_value=1, max_value=4)
NEEDS = st.lists(
    st.builds(
        Wanted,
        st.lists(RESOURCES, max_size=4, unique=True),
        st.integers(min_value=1, max_value=3),
    ),
    min_size=1,
    max_size=3,
)
FREE = st.dictionaries(RESOURCES, st.integers(min_value=0, max_value=3), max_size=4)


def every_choice(needs, free):
    """What one booking may take of each resource, every way to do it."""
    ids = sorted(free)
    for serving in product([None, *range(len(needs))], repeat=len(ids)):
        if any(
            n is not None and pk not in needs[n].candidates
            for pk, n in zip(ids, serving, strict=True)
        ):
            continue
        for units in product(*(range(free[pk] + 1) for pk in ids)):
            given = [0] * len(needs)
            for n, number in zip(serving, units, strict=True):
                if n is not None:
                    given[n] += number
                elif number:
                    break
            else:
                if given == [need.units for need in needs]:
                    yield dict(zip(ids, units, strict=True))


def count_by_search(needs, free):
    ids = sorted(free)

    @cache
    def best(left):
        now = dict(zip(ids, left, strict=True))
        rests = {tuple(now[pk] - taken[pk] for pk in ids) for taken in every_choice(needs, now)}
        return max((1 + best(rest) for rest in rests), default=0)

    return best(tuple(free[pk] for pk in ids))


@settings(max_examples=300, deadline=None)
@given(needs=NEEDS, free=FREE)
def test_counts_are_exact_also_where_pools_overlap(needs, free):
    assert count(needs, free) == count_by_search(needs, free)


@settings(max_examples=300, deadline=None)
@given(needs=NEEDS, free=FREE)
def test_a_choice_is_found_if_there_is_one_and_takes_what_is_free(needs, free):
    chosen = choose(needs, free)
    possible = any(True for _ in every_choice(needs, free))
    assert fits(needs, free) == possible == (chosen is not None)
    if chosen is None:
        return
    used = [pk for choice in chosen for pk in choice]
    assert len(used) == len(set(used))
    for need, choice in zip(needs, chosen, strict=True):
        assert sum(choice.values()) == need.units
        assert choice.keys() <= set(need.candidates)
        assert all(units <= free[pk] for pk, units in choice.items())


def test_the_first_by_order_are_taken_unless_that_leaves_nothing_for_another_need():
    assert choose([Wanted([1, 2, 3], 1), Wanted([1], 1)], {1: 1, 2: 1, 3: 1}) == [{2: 1}, {1: 1}]
    assert choose([Wanted([3, 1], 2)], {1: 5, 3: 1}) == [{3: 1, 1: 1}]


def test_what_others_need_later_is_left_to_them():
    """Four pairs of eight people of whom two can do both, whoever is asked first."""
    pools = [1, 2, 3, 4, 5], [4, 5, 6, 7, 8]
    free = dict.fromkeys(range(1, 9), 1)
    for left in (4, 3, 2, 1):
        needs = [Wanted(pool, 1) for pool in pools]
        assert count(needs, free) == left
        later = [Wanted(pool, left - 1) for pool in pools]
        for pk in (pk for choice in choose(needs, free, later) for pk in choice):
            free[pk] = 0
    assert count(needs, free) == 0


def test_many_places_are_counted_at_once():
    assert count([Wanted([1, 2], 2), Wanted([2, 3], 2)], {1: 60, 2: 60, 3: 60}) == 45
