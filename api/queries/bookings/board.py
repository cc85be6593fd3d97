"""All bookings of a venue on one day or over one week, for the board of the staff site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from api.models import Booking, Caller, Resource, Venue, WaitlistEntry
from api.opening_hours import iter_local_dates, to_instant
from api.policy import DAY
from api.queries.clock import database_now
from api.queries.venues.rules import list_resources_with_rules
from api.queries.waitlist.line import list_line

from . import calendar
from .blocked_times import Blocked, list_blocked


@dataclass(frozen=True)
class Board:
    """`days` are local dates of the venue; `cells` the bookings that begin on each of them, or go
    on from the day before on the first, by (resource, date)."""

    venue: Venue
    today: date
    days: Sequence[date]
    resources: Sequence[Resource]
    cells: dict[tuple[int, date], list[Booking]]
    blocked: dict[tuple[int, date], list[Blocked]]  # those that touch the date


def get_board(venue: Venue, on: date | None, days: int) -> Board:
    """The day, or the week of that day from its Monday, in a constant number of statements."""
    today = database_now().astimezone(venue.zone).date()
    first = on or today
    if days > 1:
        first -= first.weekday() * DAY
    dates = [first + n * DAY for n in range(days)]
    starts, ends = (_get_midnight(venue, each) for each in (first, dates[-1] + DAY))
    resources = list(list_resources_with_rules().filter(venue=venue).order_by("name", "pk"))
    cells: dict[tuple[int, date], list[Booking]] = {}
    for booking in calendar.list_blocking_bookings(resources, starts, ends):
        local = max(booking.starts_at, starts).astimezone(venue.zone).date()
        cells.setdefault((booking.resource_id, local), []).append(booking)
    blocked: dict[tuple[int, date], list[Blocked]] = {}
    for each in list_blocked(resources, starts, ends):
        for on in iter_local_dates(venue.zone, each.starts_at, each.ends_at):
            blocked.setdefault((each.resource_id, on), []).append(each)
    return Board(venue, today, dates, resources, cells, blocked)


def list_board_line(board: Board, caller: Caller) -> list[WaitlistEntry]:
    """Who waits for something on the days of the board: one statement."""
    starts, ends = (_get_midnight(board.venue, on) for on in (board.days[0], board.days[-1] + DAY))
    return list_line(caller, board.resources, starts, ends)


def _get_midnight(venue: Venue, on: date) -> datetime:
    return to_instant(venue.zone, on, datetime.min.time())


def get_neighbours(board: Board) -> tuple[date, date]:
    """The first day of the board before and after."""
    length = timedelta(days=len(board.days))
    return board.days[0] - length, board.days[0] + length
