"""What can be booked on a venue's page: a place, or units of it, or a service; for how long, how
many, and at what times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.utils.dateparse import parse_date, parse_datetime
from django.utils.timezone import is_aware

from api import policy, terms
from api.models import Resource, Service, Venue
from api.models.venues import SlotRule
from api.policy import DAY, Check, Rules
from api.queries.bookings.day_slots import DaySlot, list_day_slots, list_service_day_slots
from api.queries.bookings.matching import count
from api.queries.venues.rules import build_rules, list_resources_with_rules
from api.queries.venues.services import ServiceRules, get_service_rules, list_services

WEEK: Final = 7
MAX_LENGTH: Final = timedelta(hours=12)
MAX_LENGTHS: Final = 12
SERVICE: Final = "service-"  # begins the key of a service in an address


@dataclass(frozen=True)
class Choice:
    """What is wanted, for how long, how many of it, and the day that is looked at; `now` is the
    database's. The first of the rules says the hours and the approval."""

    rules: Sequence[Rules]
    length: timedelta
    on: date
    now: datetime
    quantity: int = 1
    most: int = 1  # how many can be asked for at all

    @property
    def key(self) -> str:
        """What it is in an address."""
        return str(self.rules[0].resource.pk)

    @property
    def name(self) -> str:
        return self.rules[0].resource.name

    @property
    def place(self) -> Resource | None:
        """The resource, where one was named."""
        return self.rules[0].resource

    @property
    def venue(self) -> Venue:
        return self.rules[0].venue

    @property
    def minutes(self) -> int:
        return count_minutes(self.length)

    @property
    def today(self) -> date:
        return self.now.astimezone(self.venue.zone).date()

    @property
    def days(self) -> list[date]:
        """The day and those around it, none of them past."""
        first = max(self.today, self.on - DAY * ((self.on - self.today).days % WEEK))
        return [first + n * DAY for n in range(WEEK)]

    @property
    def total(self) -> int:
        """How many units there are; 1 where they are not counted for people."""
        return min(each.resource.units for each in self.rules)

    @property
    def capacity(self) -> int:
        """How many people may come."""
        return self.quantity * min(each.resource.capacity for each in self.rules)

    @property
    def query(self) -> dict[str, Any]:
        """What an address says of it, but for the day."""
        many = {"quantity": self.quantity} if self.quantity > 1 else {}
        return {"place": self.key, "minutes": self.minutes} | many

    @property
    def wanted(self) -> dict[str, Any]:
        """What a request to book it says of it, but for the start."""
        return {"resource": self.rules[0].resource.pk, "quantity": self.quantity}

    def list_lengths(self) -> list[tuple[timedelta, int]]:
        """Those that can be chosen, each with what it costs where that does not hang on the
        time."""
        step = self.rules[0].resource.slot_length
        count = max(1, min(MAX_LENGTHS, MAX_LENGTH // step))
        found = sorted({self.length, *(step * n for n in range(1, count + 1))})
        return [(length, 0) for length in found]

    def calculate_price(self, starts_at: datetime) -> int:
        """In minor units."""
        interval = starts_at, starts_at + self.length
        return self.quantity * sum(terms.calculate_price(each, *interval) for each in self.rules)

    def needs_approval(self, starts_at: datetime) -> bool:
        primetime = policy.is_primetime(self.rules[0], starts_at, starts_at + self.length)
        return policy.needs_approval(self.rules[0], primetime)

    def list_slots(
        self, *, check: Check = policy.check_booking, ignore: int = 0
    ) -> dict[date, list[DaySlot]]:
        return list_day_slots(
            self.rules,
            self.days,
            self.length,
            self.now,
            quantity=self.quantity,
            check=check,
            ignore=ignore,
        )

    @property
    def is_open(self) -> bool:
        return any(each.schedule.list_spans(self.on) for each in self.rules)

    @property
    def closed_because(self) -> str:
        closed = self.rules[0].schedule.find_closed(self.on)
        return closed.reason if closed else ""

    @property
    def is_available(self) -> bool:
        return all(each.resource.bookable for each in self.rules)


@dataclass(frozen=True)
class ServiceChoice(Choice):
    """A service; its rules are those of all that may serve it. `preferred`: who or what is wished
    for, if anything."""

    service: ServiceRules = field(kw_only=True)
    preferred: Resource | None = None

    @property
    def key(self) -> str:
        return f"{SERVICE}{self.service.service.pk}"

    @property
    def name(self) -> str:
        return self.service.service.name

    @property
    def place(self) -> None:
        return None

    @property
    def venue(self) -> Venue:
        return self.service.venue

    @property
    def total(self) -> int:
        return self.most

    @property
    def capacity(self) -> int:
        """As many as fit what is largest in each pool."""
        rules = self.service.rules
        largest = [
            max((rules[pk].resource.capacity for pk in need.candidates), default=1)
            for need in self.service.needs
        ]
        return self.quantity * min(largest, default=1)

    @property
    def query(self) -> dict[str, Any]:
        return super().query | ({"with": self.preferred.pk} if self.preferred else {})

    @property
    def wanted(self) -> dict[str, Any]:
        return {
            "service": self.service.service.pk,
            "duration": self.length,
            "prefer": [self.preferred.pk] if self.preferred else [],
            "quantity": self.quantity,
        }

    @property
    def candidates(self) -> list[Resource]:
        """Those of whom one can be wished for: where there are several to choose from."""
        ids = {pk for need in self.service.needs if len(need.candidates) > 1 for pk in need[0]}
        found = [self.service.rules[pk].resource for pk in ids]
        return sorted(found, key=lambda each: (each.name, each.pk))

    def list_lengths(self) -> list[tuple[timedelta, int]]:
        prices = self.service.prices.items()
        return sorted((length, self.quantity * price) for length, price in prices)

    def calculate_price(self, starts_at: datetime) -> int:
        return self.quantity * self.service.prices[self.length]

    def list_slots(
        self, *, check: Check = policy.check_booking, ignore: int = 0
    ) -> dict[date, list[DaySlot]]:
        return list_service_day_slots(
            self.service,
            self.days,
            self.length,
            explained_on=self.on,
            quantity=self.quantity,
            ignore=ignore,
        )

    @property
    def is_available(self) -> bool:
        return self.most > 0


def count_minutes(length: timedelta) -> int:
    return length // timedelta(minutes=1)


def list_places(venue: Venue) -> list[Resource]:
    """The venue's resources by name, those that take bookings now first."""
    rows = list_resources_with_rules().filter(venue=venue).order_by("name", "pk")
    return sorted(rows, key=lambda row: not row.bookable)


def list_own_services(venue: Venue) -> list[Service]:
    """The venue's services by name."""
    rows = list_services().filter(venue=venue).prefetch_related(None)
    return list(rows.order_by("name", "pk"))


def read_choice(
    services: Sequence[Service], places: Sequence[Resource], query: Mapping[str, str]
) -> Choice | None:
    """What somebody looks for; what they left out, or is nonsense, is the first service or place,
    its first length or one slot, one of it, today. None where there is nothing to book."""
    key = query.get("place", "")
    for service in services:
        if key == f"{SERVICE}{service.pk}":
            return build_service_choice(get_service_rules(service.pk), query)
    for place in places:
        if key == str(place.pk):
            return build_choice([build_rules(place)], query)
    if services:
        return build_service_choice(get_service_rules(services[0].pk), query)
    return build_choice([build_rules(places[0])], query) if places else None


def build_choice(
    rules: Sequence[Rules], query: Mapping[str, str], length: timedelta | None = None
) -> Choice:
    first = rules[0].resource
    length = length or read_minutes(query.get("minutes", ""))
    if length and first.venue.slot_rule != SlotRule.FREE and length % first.slot_length:
        length = None
    most = min(each.resource.units for each in rules)
    return Choice(
        rules=rules,
        length=length or first.slot_length,
        on=_read_day(query, first.venue, first.now),
        now=first.now,
        quantity=_read_quantity(query, most),
        most=most,
    )


def build_service_choice(
    service: ServiceRules, query: Mapping[str, str], length: timedelta | None = None
) -> ServiceChoice:
    length = length or read_minutes(query.get("minutes", ""))
    if length not in service.prices:
        length = min(service.prices, default=timedelta(minutes=1))
    preferred = {str(pk): rules.resource for pk, rules in service.rules.items()}
    most = _count_most(service)
    return ServiceChoice(
        rules=list(service.rules.values()),
        length=length,
        on=_read_day(query, service.venue, service.now),
        now=service.now,
        quantity=_read_quantity(query, most),
        most=most,
        service=service,
        preferred=preferred.get(query.get("with", "")),
    )


def _count_most(service: ServiceRules) -> int:
    """How many bookings fit where nothing else is booked; 0 where none does."""
    if not service.needs or any(not need.candidates for need in service.needs):
        return 0
    units = {pk: each.resource.units * each.resource.bookable for pk, each in service.rules.items()}
    return count(service.needs, units)


def _read_day(query: Mapping[str, str], venue: Venue, now: datetime) -> date:
    today = now.astimezone(venue.zone).date()
    return max(today, read_date(query.get("on", "")) or today)


def _read_quantity(query: Mapping[str, str], most: int) -> int:
    text = query.get("quantity", "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 1
    return max(1, min(number, most))


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
