"""Quotas: how much of a venue one person may have.

1. What is to count is written first; then the person is locked at that venue, and what they have is
   read. So of many requests at once each sees those before it, and whoever passes a limit is rolled
   back. This lock is the last one that a transaction takes: whoever has it waits for nobody.
2. Staff are exempt, whomever they book for, and so are bookings of staff. Keys are not: they book
   for customers.
3. A guest is an address. What somebody typed counts once the letter's link has confirmed it:
   before, it would tell strangers what the address has booked, and let them use it up.
4. What is over a limit already, because that was lowered, stays, and may move if it takes no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import takewhile
from typing import Any, Final

from django.db import connection

from api import errors
from api.effective_status import filter_by_effective_status
from api.lifecycle import BOOKING, PENDING, Status
from api.models import Booking, Guest, User, Venue
from api.models.identifiers import build_key
from api.models.venues import QUOTAS
from api.opening_hours import Interval, to_instant
from api.queries.clock import annotate_now, database_now
from api.services.actors import Actor

COUNTED: Final = (*BOOKING.blocking, Status.COMPLETED.value, Status.NO_SHOW.value)
REQUESTS: Final = (PENDING, "offered")  # accepted, an offer may become a request
ZERO, WEEK = timedelta(0), timedelta(days=7)
GetNow = Callable[[Venue, User | Guest], datetime]


@dataclass
class Usage:
    """What a person has at a venue, as far as its quotas count that. `add` what is written after it
    was read."""

    venue: Venue
    now: datetime
    bookings: list[Booking] = field(default_factory=list)
    paused_until: datetime | None = None

    def add(self, booking: Booking) -> None:
        self.bookings.append(booking)

    def find_refusal(
        self, booking: Booking, was: Booking | None = None
    ) -> errors.QuotaReached | None:
        """The quota that the booking passes, if there is one; it need not be written. `was`: what
        the person gives for it, or the same booking before a change, which counts no more."""
        others = [each for each in self.bookings if each.pk is None or each.pk != booking.pk]
        return (
            self._find_pause(was)
            or self._find_too_many("max_bookings_ahead", self._is_ahead, others, booking, was)
            or self._find_too_long(others, booking, was)
            or self._find_too_many("max_open_requests", _is_request, others, booking, was)
        )

    def takes_more(self, booking: Booking, was: Booking | None) -> bool:
        """Whether any quota could refuse it: of what takes no more than it did, none does."""
        counts = (self._is_ahead, _is_request)
        return (
            was is None
            or any(each(booking) and not each(was) for each in counts)
            or any(_takes_longer(booking, was, week) for week in self._iter_weeks_of(booking))
        )

    def _find_pause(self, was: Booking | None) -> errors.QuotaReached | None:
        if was is not None or self.paused_until is None:
            return None
        return self._build("no_shows_before_pause", self.paused_until)

    def _find_too_many(
        self, quota: str, counts: Any, others: list[Booking], booking: Booking, was: Booking | None
    ) -> errors.QuotaReached | None:
        limit = getattr(self.venue, quota)
        if limit is None or not counts(booking) or (was is not None and counts(was)):
            return None
        leave = sorted(_get_leaving_time(each) for each in others if counts(each))
        return self._build(quota, leave[len(leave) - limit]) if len(leave) >= limit else None

    def _is_ahead(self, booking: Booking) -> bool:
        return booking.status in BOOKING.blocking and booking.starts_at > self.now

    def _find_too_long(
        self, others: list[Booking], booking: Booking, was: Booking | None
    ) -> errors.QuotaReached | None:
        limit = self.venue.max_hours_a_week
        if limit is None:
            return None
        for week in self._iter_weeks_of(booking):
            wanted = _measure([booking], week)
            more = _takes_longer(booking, was, week)
            if more and wanted + _measure(others, week) > limit:
                return self._build("max_hours_a_week", self._find_week(others, wanted, week))
        return None

    def _find_week(
        self, others: list[Booking], wanted: timedelta, full: Interval
    ) -> datetime | None:
        """When the next week begins that has so much time left; none has more than the limit."""
        limit: timedelta = self.venue.max_hours_a_week  # type: ignore[assignment]  # is not None
        if wanted > limit:
            return None
        weeks = self._iter_weeks(full[1])
        return next(week[0] for week in weeks if wanted + _measure(others, week) <= limit)

    def _iter_weeks_of(self, booking: Booking) -> Iterator[Interval]:
        """Those that it has a part in."""
        return takewhile(
            lambda week: week[0] < booking.ends_at, self._iter_weeks(booking.starts_at)
        )

    def _iter_weeks(self, at: datetime) -> Iterator[Interval]:
        """The week of that instant and those after it, from Monday to Monday."""
        zone = self.venue.zone
        monday = _get_monday(self.venue, at)
        while True:
            starts_at, monday = to_instant(zone, monday, time.min), monday + WEEK
            yield starts_at, to_instant(zone, monday, time.min)

    def _build(self, quota: str, free_at: datetime | None) -> errors.QuotaReached:
        limit = getattr(self.venue, quota)
        detail = _SENTENCES[quota].format(limit=_format_limit(limit))
        if free_at is not None:
            detail += f" Possible again from {free_at.astimezone(self.venue.zone):%F %H:%M}."
        return errors.QuotaReached(detail, quota=quota, limit=limit, free_at=free_at)


_SENTENCES: Final = {
    "max_bookings_ahead": "You have as many bookings ahead as one person may here ({limit}).",
    "max_hours_a_week": "That is longer than one person may book here in a week ({limit} h).",
    "max_open_requests": "You have as many open requests as one person may here ({limit}).",
    "no_shows_before_pause": "Nothing new for a while after so many missed bookings ({limit}).",
}


def _format_limit(limit: int | timedelta) -> str:
    if isinstance(limit, int):
        return str(limit)
    hours, minutes = divmod(limit // timedelta(minutes=1), 60)
    return f"{hours}:{minutes:02d}"


def _get_monday(venue: Venue, at: datetime) -> date:
    """The date on which the ISO week of that instant begins, by the venue's clock."""
    on = at.astimezone(venue.zone).date()
    return on - timedelta(days=on.weekday())


def _is_request(booking: Booking) -> bool:
    return booking.status in REQUESTS


def _get_leaving_time(booking: Booking) -> datetime:
    """When it is neither ahead nor asked for any more, if nobody does anything."""
    moves = (move for move in BOOKING.time_driven if booking.status in move.sources)
    deadlines: list[datetime | None] = [getattr(booking, move.deadline) for move in moves]
    if booking.status != PENDING:
        deadlines.append(booking.starts_at)
    return min(at for at in deadlines if at is not None)


def _measure(bookings: Iterable[Booking], week: Interval) -> timedelta:
    """How much of the week they last; what ended early lasts until then."""
    since, until = week
    lengths = (
        min(until, each.ends_at, each.ended_at or each.ends_at) - max(since, each.starts_at)
        for each in bookings
    )
    return sum((max(length, ZERO) for length in lengths), ZERO)


def _takes_longer(booking: Booking, was: Booking | None, week: Interval) -> bool:
    return _measure([booking], week) > (_measure([was], week) if was is not None else ZERO)


def check_quotas(booking: Booking, actor: Actor, was: Booking | None = None) -> None:
    """Refuses `QuotaReached`. Call it after the booking was written, with what it `was` before if
    it is not new, in the same transaction."""
    if was is not None and was.venue_id != booking.venue_id:
        was = None
    usage = lock_usage(booking.venue, booking.person, actor, booking.starts_at)
    refusal = usage.find_refusal(booking, was) if usage else None
    if refusal:
        raise refusal


def has_quotas(venue: Venue) -> bool:
    return any(getattr(venue, name) is not None for name in QUOTAS)


def lock_usage(venue: Venue, person: User | Guest, actor: Actor, since: datetime) -> Usage | None:
    """As `read_usage`, and nothing of theirs begins to count there until the transaction ends."""
    return _read(venue, person, since, _lock) if _are_counted(venue, person, actor) else None


def read_usage(venue: Venue, person: User | Guest, actor: Actor, since: datetime) -> Usage | None:
    """What the person has at the venue, of what ends after the week of `since` began; None where no
    quota counts it. Only a look, for a plan: what is written by it is checked under the lock."""
    if not _are_counted(venue, person, actor):
        return None
    return _read(venue, person, since, lambda *_: database_now())


def _are_counted(venue: Venue, person: User | Guest, actor: Actor) -> bool:
    return has_quotas(venue) and not is_exempt(venue, person, actor)


def _read(venue: Venue, person: User | Guest, since: datetime, get_now: GetNow) -> Usage:
    now = get_now(venue, person)
    rows = Booking.objects.filter(venue=venue.pk, **_build_filter(person))
    monday = to_instant(venue.zone, _get_monday(venue, min(now, since)), time.min)
    counted = filter_by_effective_status(rows.filter(ends_at__gt=monday), COUNTED)
    return Usage(venue, now, list(annotate_now(counted)), _find_pause_end(venue, rows, now))


def is_exempt(venue: Venue, person: User | Guest, actor: Actor) -> bool:
    """Staff are, and who has nothing that could count yet: a guest who has not confirmed."""
    if isinstance(person, Guest):
        return person.email_verified_at is None or _is_staff(venue, actor)
    return _is_staff(venue, actor) or person.is_staff_of(venue.pk)


def _is_staff(venue: Venue, actor: Actor) -> bool:
    return actor.is_staff and actor.user is not None


def _build_filter(person: User | Guest) -> dict[str, Any]:
    if isinstance(person, User):
        return {"owner": person.pk}
    return {
        "owner": None,
        "guest_key": build_key(person.email),
        "guest_confirmed_at__isnull": False,
    }


def _lock(venue: Venue, person: User | Guest) -> datetime:
    """Locks the person at the venue to the end of the transaction; the database's now, as it was
    before the wait. In a statement of its own: the next one sees what those before it wrote."""
    whose = person.pk or build_key(person.email)
    with connection.cursor() as cursor:
        sql = "SELECT statement_timestamp(), pg_advisory_xact_lock(hashtextextended(%s, 0))"
        cursor.execute(sql, [f"quotas:{venue.pk}:{whose}"])
        now: datetime = cursor.fetchone()[0]
    return now


def _find_pause_end(venue: Venue, rows: Any, now: datetime) -> datetime | None:
    """Every so many no-shows begin a pause, each at the last of them."""
    limit, length = venue.no_shows_before_pause, venue.pause_length
    if limit is None or length is None:
        return None
    missed = filter_by_effective_status(rows, [Status.NO_SHOW.value])
    times = sorted(missed.values_list("no_show_at", flat=True))
    last = len(times) // limit * limit
    until: datetime | None = times[last - 1] + length if last else None
    return until if until is not None and until > now else None
