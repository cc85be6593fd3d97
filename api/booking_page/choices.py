"""What can be booked on a venue's page, for how long, and at what times. Whatever else is to be
offered there one day (a service by any of several people) is offered here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.utils.dateparse import parse_date, parse_datetime
from django.utils.timezone import is_aware

from api import policy
from api.models import Resource, Venue
from api.policy import DAY, Check, Rules
from api.queries.bookings.day_slots import DaySlot, list_day_slots
from api.queries.venues.rules import build_rules, list_resources_with_rules

WEEK: Final = 7
MAX_LENGTH: Final = timedelta(hours=12)
MAX_LENGTHS: Final = 12


@dataclass(frozen=True)
class Choice:
    """A resource, how long it is wanted, and the day that is looked at; `now` is the database's."""

    rules: Rules
    length: timedelta
    on: date
    now: datetime

    @property
    def resource(self) -> Resource:
        return self.rules.resource

    @property
    def minutes(self) -> int:
        return count_minutes(self.length)

    @property
    def today(self) -> date:
        return self.now.astimezone(self.rules.zone).date()

    @property
    def days(self) -> list[date]:
        """The day and those around it, none of them past."""
        first = max(self.today, self.on - DAY * ((self.on - self.today).days % WEEK))
        return [first + n * DAY for n in range(WEEK)]

    def list_lengths(self) -> list[timedelta]:
        step = self.resource.slot_length
        count = max(1, min(MAX_LENGTHS, MAX_LENGTH // step))
        return sorted({self.length, *(step * n for n in range(1, count + 1))})

    def list_slots(
        self, *, check: Check = policy.check_booking, ignore: int = 0
    ) -> dict[date, list[DaySlot]]:
        return list_day_slots(
            self.rules, self.days, self.length, self.now, check=check, ignore=ignore
        )


def count_minutes(length: timedelta) -> int:
    return length // timedelta(minutes=1)


def list_places(venue: Venue) -> list[Resource]:
    """The venue's resources by name, those that take bookings now first."""
    rows = list_resources_with_rules().filter(venue=venue).order_by("name", "pk")
    return sorted(rows, key=lambda row: not row.bookable)


def read_choice(places: list[Resource], query: Mapping[str, str]) -> Choice | None:
    """What somebody looks for; what they left out, or is nonsense, is the first place, one slot of
    it, today. None where there is nothing to book."""
    if not places:
        return None
    place = next((row for row in places if str(row.pk) == query.get("place")), places[0])
    return build_choice(place, read_minutes(query.get("minutes", "")), query.get("on", ""))


def build_choice(place: Resource, length: timedelta | None, on: str) -> Choice:
    today = place.now.astimezone(place.venue.zone).date()
    return Choice(
        rules=build_rules(place),
        length=length or place.slot_length,
        on=max(today, read_date(on) or today),
        now=place.now,
    )


def read_date(text: str) -> date | None:
    try:
        on = parse_date(text)
    except ValueError:
        return None
    return on if on is not None and policy.is_plausible_year(on.year) else None


def read_minutes(text: str) -> timedelta | None:
    minutes = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    return timedelta(minutes=minutes) if 0 < minutes <= 31 * 24 * 60 else None


def read_instant(text: str) -> datetime | None:
    """An instant with its offset."""
    try:
        at = parse_datetime(text)
    except ValueError:
        return None
    fits = at is not None and is_aware(at) and policy.is_plausible_year(at.year)
    return at if fits else None
