"""A venue's day or week as a board: a row a resource, and on each what is booked, to be dragged to
another time or place. By keyboard, and without a script, the form below it moves them too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from api.models import Booking, Resource, Venue
from api.queries.bookings import board as query
from api.queries.bookings import part_names
from api.queries.bookings.blocked_times import Blocked
from api.rest.permissions import get_caller

from .booking_verbs import MOVABLE

VIEWS = {"day": 1, "week": 7}
EARLY, LATE = 7, 20  # hours that a day shows in any case


def list_venues(request: HttpRequest) -> QuerySet[Venue]:
    """Those that the person may see in the admin at all."""
    if not request.user.has_perm("api.view_venue"):
        raise PermissionDenied
    rows = admin.site.get_model_admin(Venue).get_queryset(request)
    return rows.order_by("name", "pk")


def show_first(request: HttpRequest) -> HttpResponse:
    venue = list_venues(request).first()
    return redirect("board", venue.slug) if venue else redirect("admin:api_venue_changelist")


def show_board(request: HttpRequest, slug: str) -> HttpResponse:
    venues = list(list_venues(request))
    venue = next((row for row in venues if row.slug == slug), None)
    view = request.GET.get("view", "day")
    if venue is None or view not in VIEWS:
        raise Http404
    try:
        board = query.get_board(venue, _get_date(request), VIEWS[view])
    except (ValueError, OverflowError):
        raise Http404 from None
    before, after = query.get_neighbours(board)
    context = admin.site.each_context(request) | {
        "title": venue.name,
        "subtitle": "Board",
        "venues": venues,
        "venue": venue,
        "view": view,
        "board": board,
        "before": before,
        "after": after,
        "columns": _list_columns(board, view),
        "rows": _list_rows(board, view),
        "movable": _list_movable(board),
        "blocks": _list_blocks(board),
        "line": query.list_board_line(board, get_caller(request)),
        "zone": venue.time_zone,
        "may_block": request.user.has_perm("api.add_block"),
    }
    return TemplateResponse(request, "staff/board.html", context)


def _get_date(request: HttpRequest) -> date | None:
    text = request.GET.get("on", "")
    on = date.fromisoformat(text) if text else None
    if on and not 1970 <= on.year <= 9000:
        raise ValueError(text)
    return on


def _list_columns(board: query.Board, view: str) -> list[tuple[str, str]]:
    """The value that a column stands for, a local date or hour, and how it is headed."""
    if view == "week":
        return [(f"{on:%Y-%m-%d}", f"{on:%a} {on.day}") for on in board.days]
    return [(f"{board.days[0]:%Y-%m-%d}T{hour:02d}", f"{hour:02d}") for hour in _list_hours(board)]


def _list_hours(board: query.Board) -> range:
    """The hours of the working day, and those before and after in which something begins."""
    rows = [row for bookings in board.cells.values() for row in bookings]
    begun = [_get_hour(row, board.days[0], board.venue.zone) for row in rows]
    return range(min([EARLY, *begun]), max([LATE, *begun]) + 1)


def _get_hour(booking: Booking, on: date, zone: ZoneInfo) -> int:
    """The local hour in which it begins on that date: the first if it began before."""
    starts = booking.starts_at.astimezone(zone)
    return starts.hour if starts.date() == on else 0


def _list_rows(board: query.Board, view: str) -> list[dict[str, Any]]:
    zone = board.venue.zone

    def find_column(booking: Booking, on: date) -> str:
        if view == "week":
            return f"{on:%Y-%m-%d}"
        return f"{on:%Y-%m-%d}T{_get_hour(booking, on, zone):02d}"

    def find_column_of_block(blocked: Blocked, on: date) -> str:
        if view == "week":
            return f"{on:%Y-%m-%d}"
        return f"{on:%Y-%m-%d}T{_get_block_hour(blocked, board):02d}"

    names = part_names.list_part_names({b.pk: b for c in board.cells.values() for b in c}.values())
    rows = []
    for resource in board.resources:
        cells: dict[str, list[dict[str, Any]]] = {}
        for on in board.days:
            for booking in board.cells.get((resource.pk, on), ()):
                chip = _build_chip(booking, resource, names[booking.pk], zone)
                cells.setdefault(find_column(booking, on), []).append(chip)
            for blocked in board.blocked.get((resource.pk, on), ()):
                chip = {"blocked": blocked} | _format_times(blocked, zone)
                cells.setdefault(find_column_of_block(blocked, on), []).append(chip)
        columns = [
            (value, sorted(cells.get(value, ()), key=itemgetter("at")))
            for value, _ in _list_columns(board, view)
        ]
        rows.append({"resource": resource, "cells": columns})
    return rows


def _build_chip(
    booking: Booking, resource: Resource, names: Sequence[str], zone: ZoneInfo
) -> dict[str, Any]:
    """Of one that takes several, `others` are what else it takes."""
    what = booking.service.name if booking.service else booking.title
    return _format_times(booking, zone) | {
        "booking": booking,
        "what": what,
        "quantity": booking.quantity if booking.quantity > 1 else 0,
        "others": [name for name in names if name.rpartition(" × ")[2] != resource.name],
        "local": f"{booking.starts_at.astimezone(zone):%Y-%m-%dT%H:%M}",
        "movable": booking.status in MOVABLE,
    }


def _format_times(row: Booking | Blocked, zone: ZoneInfo) -> dict[str, Any]:
    starts, ends = (at.astimezone(zone) for at in (row.starts_at, row.ends_at))
    return {"at": row.starts_at, "starts": f"{starts:%H:%M}", "ends": f"{ends:%H:%M}"}


def _list_movable(board: query.Board) -> list[tuple[Booking, str]]:
    """Each once, by start, with all that it takes."""
    every = (row for rows in board.cells.values() for row in rows if row.status in MOVABLE)
    found = {row.pk: row for row in every}
    names = part_names.list_part_names(found.values())
    rows = sorted(found.values(), key=lambda row: (row.starts_at, row.pk))
    return [(row, part_names.JOINED.join(names[row.pk])) for row in rows]


def _get_block_hour(blocked: Blocked, board: query.Board) -> int:
    """The column in which a block begins on the day of the board; of one that began earlier, the
    first."""
    hours = _list_hours(board)
    starts = blocked.starts_at.astimezone(board.venue.zone)
    began = starts.hour if starts.date() == board.days[0] else 0
    return min(max(began, hours[0]), hours[-1])


def _list_blocks(board: query.Board) -> list[dict[str, Any]]:
    """The blocks of the board, each once."""
    found = {
        (each.block.pk, each.starts_at): each for row in board.blocked.values() for each in row
    }
    names = {resource.pk: resource.name for resource in board.resources}
    return [
        {"blocked": each, "name": names[each.resource_id]}
        for _, each in sorted(found.items(), key=lambda item: item[0][1])
    ]


def get_urls() -> list[URLPattern]:
    """Return the paths that belong before those of the admin site."""
    return [
        path("board/", admin.site.admin_view(show_first), name="board-first"),
        path("board/<slug:slug>/", admin.site.admin_view(show_board), name="board"),
    ]
