"""Looks through the bookings ahead of a venue after its rules have changed.

1. Whoever writes a rule calls `review_bookings` in the same transaction. What it returns is what
   the change has broken; a transaction that is rolled back afterwards was a dry run.
2. Each booking is held against the rules by `api.queries.venues.broken_rules`. What breaks one gets
   a review, and its owner an e-mail; what fits again leaves it. A rule against which staff keep a
   booking counts as kept for as long as the booking breaks it.
3. A path that forgets to call it is no hole: triggers give a venue a new version with every change
   of a rule, and `review_changed_venues` looks through those whose version nobody has reviewed. It
   also finds the booking that was being made while the rules changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from api import errors
from api.models import Allocation, Booking, Resource, Review, RulesReview, Venue
from api.models.allocations import Kind
from api.models.reviews import Decision
from api.policy import MAX_LENGTH, Rules
from api.queries.bookings.displaced import list_displaced
from api.queries.venues.broken_rules import CLOCK_CHANGED, describe, get_key
from api.queries.venues.rules import build_rules, list_resources_with_rules
from api.services.bookings.broken import list_all_broken, list_broken_now
from api.services.bookings.fit import fit_units, list_crowded
from api.services.messages import notifications
from api.services.operations import jobs
from api.signals import reviews_opened, slots_freed

from .statements import open_reviews, update_reviews

JOB = "review_bookings"
SETTLE_AFTER = timedelta(seconds=10)  # by then a booking that was being made is there
WALL_TIME = "%a %d %b %Y, %H:%M"
STANDING = Q(decided_at=None) | (Q(decision=Decision.KEEP) & ~Q(broken=[]))  # open, or kept


class Affected(NamedTuple):
    """A booking ahead that breaks a rule since a change, and the code of the rule."""

    id: int
    starts_at: datetime
    ends_at: datetime
    code: str


@dataclass
class Findings:
    """What is to be written of the bookings that were looked through."""

    affected: list[Affected] = field(default_factory=list)
    new: list[Review] = field(default_factory=list)
    changed: list[Review] = field(default_factory=list)
    settled: list[int] = field(default_factory=list)


@transaction.atomic
def review_bookings(
    venue_id: int, resources: Collection[int] | None = None, *, finally_: bool = False
) -> list[Affected]:
    """The bookings ahead, by start, that break a rule now and did not when they were looked through
    last: all of the venue's, or those of some resources. They stay as they are, under review.

    `finally_`: nobody was writing a rule, so that this version needs no second look."""
    Venue.objects.select_for_update(no_key=True).get(pk=venue_id)  # one after the other
    state = RulesReview.objects.select_related("venue").get(pk=venue_id)
    rows = list_resources_with_rules(retired=True).filter(venue=venue_id)
    # of all: a booking may take others beside those that are looked through
    rules = {resource.pk: build_rules(resource) for resource in rows}
    chosen = rules.keys() if resources is None else rules.keys() & set(resources)
    found = _look_through(rules, chosen, state.time_zone, state.venue.time_zone)
    _write(found)
    # rules that keep less out may let in who waits
    slots_freed.send(sender=Venue, venue_id=venue_id)
    state.reviewed_at = Now()
    if resources is None:
        state.time_zone = state.venue.time_zone
    if finally_:
        state.version = state.venue.rules_version
    state.save()
    return found.affected


def review_changed_venues() -> int:
    """How many bookings were found to break a rule that was changed past `review_bookings`, or
    while they were being made. One venue a transaction; safe at once with itself."""
    crowded = jobs.run_each(
        JOB, ((f"resource {each.pk}", partial(_fit_again, each)) for each in list_crowded())
    )
    changed = RulesReview.objects.exclude(version=F("venue__rules_version"))
    due = changed.filter(reviewed_at__lte=Now() - SETTLE_AFTER).order_by("pk")
    ids = due.values_list("pk", flat=True)
    return crowded + jobs.run_each(JOB, ((f"venue {pk}", partial(_review_last, pk)) for pk in ids))


def _review_last(venue_id: int) -> int:
    return len(review_bookings(venue_id, finally_=True))


@transaction.atomic
def _fit_again(resource: Resource) -> int:
    """What has been cancelled since may have made room."""
    fit_units(resource)
    return len(review_bookings(resource.venue_id, [resource.pk]))


def list_in_review(booking_ids: Collection[int]) -> list[int]:
    """Those of these bookings that stand in review."""
    if not booking_ids:
        return []
    standing = Review.objects.filter(STANDING, booking__any_of=booking_ids)
    return list(standing.order_by("booking").values_list("booking", flat=True).distinct())


@transaction.atomic
def review_edited_booking(booking_id: int, *, moved: bool) -> None:
    """Takes a booking out of review that fits since it was edited. Its own new time is a decision
    too, of who moved it."""
    standing = Review.objects.filter(STANDING, booking=booking_id)
    reviews = list(standing.select_for_update(no_key=True).order_by("pk"))
    if not reviews:
        return
    booking = Booking.objects.get(pk=booking_id)
    found = Findings()
    for review in reviews:
        if moved and review.decided_at is None:
            review.code = ""  # also of a changed clock: the new time was chosen by the new one
    _compare(booking, list_broken_now(booking), "", reviews, found)
    _write(found)


def _look_through(
    rules: Mapping[int, Rules], chosen: Collection[int], time_zone: str, new_zone: str
) -> Findings:
    found, others = Findings(), _list_others(chosen)
    displaced = list_displaced(rules)
    reviews = _list_standing(chosen, others)
    zones = (ZoneInfo(time_zone), ZoneInfo(new_zone)) if time_zone != new_zone else None
    for booking in _list_ahead(chosen, others):
        shift = _describe_shift(booking, *zones) if zones else ""
        parts = [rules[pk] for pk in (booking.resource_id, *others.get(booking.pk, ()))]
        broken = list_all_broken(parts, booking, displaced.get(booking.pk, ()))
        _compare(booking, broken, shift, reviews.get(booking.pk, ()), found)
    return found


def _list_others(chosen: Collection[int]) -> dict[int, list[int]]:
    """The other resources of the bookings ahead that take one of these beside others, by id."""
    touching = Allocation.objects.filter(blocking=True, resource__in=list(chosen))
    touching = touching.filter(booking__several=True, booking__ends_at__gt=Now())
    rows = Allocation.objects.filter(kind=Kind.PART, booking__in=touching.values("booking"))
    found: dict[int, list[int]] = defaultdict(list)
    for booking_id, resource_id in rows.values_list("booking", "resource").distinct():
        found[booking_id].append(resource_id)
    return found


def _list_ahead(chosen: Collection[int], others: Collection[int]) -> Iterator[Any]:
    """The bookings of these resources that block and are not over, by start; tuples, because making
    ten thousand objects takes longer than all the rest."""
    of_them = Q(resource__in=list(chosen)) | Q(pk__in=list(others))
    ahead = Booking.objects.filter(
        of_them if others else Q(resource__in=list(chosen)),
        ends_at__gt=Now(),
        starts_at__gt=Now() - MAX_LENGTH,
    )
    columns = ("pk", "resource_id", "starts_at", "ends_at", "guests", "quantity", "service_id")
    rows = ahead.blocking().order_by("starts_at", "pk").values_list(*columns, named=True)
    return rows.iterator()


def _list_standing(chosen: Collection[int], others: Collection[int]) -> dict[int, list[Review]]:
    found: dict[int, list[Review]] = defaultdict(list)
    of_them = Q(booking__resource__in=list(chosen)) | Q(booking__in=list(others))
    for review in Review.objects.filter(STANDING, of_them, booking__ends_at__gt=Now()):
        found[review.booking_id].append(review)
    return found


def _describe_shift(booking: Any, old: ZoneInfo, new: ZoneInfo) -> str:
    """What another time zone does to the wall time of a booking; empty if nothing."""
    was, is_now = (booking.starts_at.astimezone(zone).replace(tzinfo=None) for zone in (old, new))
    if was == is_now:
        return ""
    return f"The venue's clock has changed: was {was:{WALL_TIME}}, is {is_now:{WALL_TIME}}."


def _compare(
    booking: Any,
    refusals: Iterable[errors.Refusal],
    shift: str,
    reviews: Sequence[Review],
    found: Findings,
) -> None:
    """Adds to `found` what is new about this booking: the rules that it breaks, and what another
    clock does to its wall time, against the reviews that it has."""
    broken = {get_key(rule): rule for rule in refusals}
    if not broken and not shift and not reviews:
        return
    kept = _list_kept(reviews, broken.keys(), found)
    left = {key: rule for key, rule in broken.items() if key not in kept}
    open_ = next((review for review in reviews if review.decided_at is None), None)
    clock_changed = bool(shift) or (open_ is not None and open_.code == CLOCK_CHANGED)
    if not left and not clock_changed:
        found.settled += [open_.pk] if open_ else []
        return
    fresh = [rule.code for key, rule in left.items() if open_ is None or key not in open_.broken]
    if codes := [CLOCK_CHANGED] * bool(shift) + fresh:
        found.affected.append(Affected(booking.pk, booking.starts_at, booking.ends_at, codes[0]))
    review = open_ or Review(booking_id=booking.pk)
    before = (review.code, review.detail, review.broken)
    if shift:
        review.code, review.detail = CLOCK_CHANGED, shift
    elif not clock_changed:
        first = next(iter(left.values()))
        review.code, review.detail = first.code, describe(first)
    review.broken = list(left)
    if open_ is None:
        found.new.append(review)
    elif before != (review.code, review.detail, review.broken):
        found.changed.append(review)


def _list_kept(reviews: Sequence[Review], broken: Collection[str], found: Findings) -> set[str]:
    """The keys of the rules that the booking is kept against. What it breaks no more is not among
    them, so that it counts anew if it comes back."""
    kept: set[str] = set()
    for review in reviews:
        if review.decided_at is None:
            continue
        left = [key for key in review.broken if key in broken]
        if left != review.broken:
            review.broken = left
            found.changed.append(review)
        kept.update(left)
    return kept


def _write(found: Findings) -> None:
    if found.new:
        open_reviews(found.new)
        reviews_opened.send(sender=Review, bookings=[review.booking_id for review in found.new])
    update_reviews(found.changed)
    settled = Review.objects.filter(pk__in=found.settled, decided_at=None)
    settled.update(decision=Decision.FITS, decided_at=Now())
    notifications.withhold_reviews(found.settled)
