"""Creates series: plans all occurrences, and books those that can be booked in one statement."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from django.db import connection, transaction

from api import errors, policy
from api.models import Booking, Series, User, Venue
from api.models.series import OnConflict, Outcome
from api.queries.series.occurrences import (
    OccurrenceOutcome,
    check_endless,
    expand_series,
    set_dates,
)
from api.queries.venues.rules import get_rules
from api.queries.venues.services import get_service_rules
from api.services.actors import Actor
from api.services.bookings import parts
from api.services.bookings.create import BookingRequest, check_people
from api.services.conflicts import retry_on_conflict

from .book import (
    LostError,
    Written,
    book,
    build_bookings,
    end_what_is_overdue,
    limit_holds,
)
from .dry_runs import DryRun, hash_outcomes
from .letters import build_letters, build_letters_part
from .limits import limit_quotas
from .plan import BOOKABLE, Wanted, plan
from .rows import get_bookable_at

MAX_TRIES = 20  # each is lost to a rival who has won


@dataclass(frozen=True)
class SeriesRequest:
    """What somebody wants to book again and again: `first`, by the `rule`. `exdates` and `rdates`
    are instants or local dates. `dry_run`: the one that it must still come out as."""

    first: BookingRequest
    rule: str
    exdates: Sequence[Any] = ()
    rdates: Sequence[Any] = ()
    on_conflict: str = OnConflict.REFUSE.value
    dry_run: DryRun | None = None


@dataclass
class SeriesResult:
    """A series with what has become of its occurrences."""

    series: Series
    outcomes: list[OccurrenceOutcome] = field(default_factory=list)


Consent = Callable[[Venue], None]


@retry_on_conflict
def create_series(
    request: SeriesRequest,
    actor: Actor,
    *,
    consent: Consent | None = None,
    dry_run: bool = False,
) -> SeriesResult:
    """Books a series, or says what would come of it (`dry_run`).

    What is free is booked by one statement, in one order for everybody, so that two series never
    wait for each other; where a rival came first it is planned again. `consent` is called with the
    venue before anything is booked. Refuses `OccurrencesTaken`, `OccurrencesRefused`,
    `NothingToBook` and `DryRunOutdated`, each with all `occurrences`."""
    first = request.first
    policy.check_plausible(first.starts_at)
    wanted, venue = _read_wanted(request)
    attendees = check_people(first, venue)
    series = _build_series(request, venue, wanted, attendees)
    actor = actor.at(venue.pk)
    if dry_run:
        outcomes = build_bookings(series, plan(wanted, expand_series(series)), wanted.now)
        return SeriesResult(series, limit_holds(limit_quotas(outcomes, actor), locked=False))
    for n in range(MAX_TRIES):
        outcomes = build_bookings(series, plan(wanted, expand_series(series)), wanted.now)
        outcomes = limit_quotas(outcomes, actor)
        try:
            with transaction.atomic():
                if consent is not None:
                    consent(venue)
                return _create(series, outcomes, request, actor, make_way=n > 0)
        except LostError:
            end_what_is_overdue(outcomes)
    raise errors.Busy


def _read_wanted(request: SeriesRequest) -> tuple[Wanted, Venue]:
    """What is booked with its rules; refuses `NotFound` and `Unfit`."""
    first = request.first
    options: dict[str, Any] = {
        "on_conflict": request.on_conflict,
        "quantity": first.quantity,
        "guests": first.guests,
        "prefer": first.prefer,
    }
    if first.service is not None:
        service = get_service_rules(first.service)
        return Wanted((), service, service.now, **options), service.venue
    ids = [int(first.resource or 0), *first.others]  # type: ignore[arg-type]  # an id here
    found = [get_rules(pk) for pk in ids]
    rules = [each for each, _ in found]
    parts.check_one_venue([each.resource for each in rules])
    parts.check_quantity(rules, first.quantity)
    return Wanted(rules, None, found[0][1], **options), rules[0].venue


def _build_series(
    request: SeriesRequest, venue: Venue, wanted: Wanted, attendees: Sequence[int]
) -> Series:
    """As it is to be written; refuses `Unfit` for a rule that cannot be."""
    first = request.first
    if wanted.service:
        duration = wanted.service.get_duration(first.duration)
    else:
        starts_at, ends_at = first.interval
        policy.check_interval(starts_at, ends_at, wanted.now)
        duration = ends_at - starts_at
    series = Series(
        venue=venue,
        owner=cast(User, first.owner),
        rule=request.rule,
        duration=duration,
        zone_name=venue.time_zone,
        on_conflict=request.on_conflict,
        resource_id=None if wanted.service else wanted.rules[0].resource.pk,
        others=list(first.others),
        service_id=first.service,
        prefer=list(first.prefer),
        quantity=first.quantity,
        title=first.title,
        notes=first.notes,
        guests=first.guests,
        attendees=list(attendees),
        contract=first.contract,
        dry_run=request.dry_run.key if request.dry_run else None,
        created_at=wanted.now,
    )
    set_dates(series, first.starts_at, request.exdates, request.rdates)
    check_endless(series)
    return series


def _create(
    series: Series,
    outcomes: Sequence[OccurrenceOutcome],
    request: SeriesRequest,
    actor: Actor,
    *,
    make_way: bool,
) -> SeriesResult:
    outcomes = limit_holds(outcomes)
    if request.dry_run and hash_outcomes(outcomes) != request.dry_run.plan:
        raise errors.DryRunOutdated(occurrences=outcomes)
    check_outcomes(outcomes, request.on_conflict)
    note_outcomes(series, outcomes, series.venue)
    number(series, outcomes)
    if not any(each.booking for each in outcomes):  # all of it later
        series.save(force_insert=True)
        return SeriesResult(series, list(outcomes))
    letters = build_letters(series, "booked", outcomes)
    written = Written(build_letters_part(letters), series.attendees, {"series": series.pk})
    booked = book(series, outcomes, actor, written, is_new=True, make_way=make_way)
    series._state.adding, series._state.db = False, connection.alias
    return SeriesResult(series, booked)


def check_outcomes(outcomes: Sequence[OccurrenceOutcome], on_conflict: str) -> None:
    """Refuses what is to be booked whole and cannot be, and where nothing is left."""
    taken = [each for each in outcomes if each.outcome == Outcome.TAKEN]
    refusals = [each.refusal for each in outcomes if each.refusal]
    if on_conflict == OnConflict.REFUSE and taken:
        conflicts = [row for each in taken for row in each.conflicts][:10]
        raise errors.OccurrencesTaken(
            find_conflicts=lambda: conflicts,
            find_alternatives=lambda: taken[0].alternatives,
            occurrences=outcomes,
        )
    if on_conflict == OnConflict.REFUSE and refusals:
        refusal = refusals[0]
        raise errors.OccurrencesRefused(refusal.detail, code=refusal.code, occurrences=outcomes)
    if not any(each.outcome in (*BOOKABLE, Outcome.LATER) for each in outcomes):
        raise errors.NothingToBook(occurrences=outcomes)


def note_outcomes(series: Series, outcomes: Sequence[OccurrenceOutcome], venue: Venue) -> None:
    """Keeps with the series, not written yet, what has not come to a booking."""
    for each in outcomes:
        key = each.recurrence_id.isoformat()
        series.missed.pop(key, None)
        if each.outcome in (Outcome.TAKEN, Outcome.REFUSED):
            series.missed[key] = [each.outcome.value, each.code]
    later = [each for each in outcomes if each.outcome == Outcome.LATER]
    series.later_from = min((each.recurrence_id for each in later), default=None)
    series.extends_at = min(
        (get_bookable_at(venue, each.starts_at) for each in later), default=None
    )


_IDS = (
    f"SELECT nextval(pg_get_serial_sequence('{Series._meta.db_table}', 'id')),"
    f" ARRAY(SELECT nextval('{Booking._meta.db_table}_id_seq') FROM generate_series(1, %s))"
)


def number(series: Series, outcomes: Collection[OccurrenceOutcome]) -> None:
    """Gives the series, unless it has one, and the bookings their ids: one statement."""
    bookings = [each.booking for each in outcomes if each.booking]
    with connection.cursor() as cursor:
        cursor.execute(_IDS, [len(bookings)])
        pk, ids = cursor.fetchone()
    series.pk = series.pk or pk
    for booking, booking_id in zip(bookings, sorted(ids), strict=True):
        booking.pk, booking.series = booking_id, series
