"""Charts as the places of rectangles and points: templates draw them as SVG, so a page needs no
script for them, nothing from elsewhere, and no style of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from api.queries.bookings.staff_dashboard import Count, Recently

WIDTH, HEIGHT, FOOT = 420, 130, 18
HOUR, ROW, LEFT, TOP = 27, 20, 36, 14
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    title: str
    kind: str


@dataclass(frozen=True)
class Label:
    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Chart:
    """`total` is the figure above it."""

    width: int
    height: int
    bars: list[Bar]
    labels: list[Label]
    total: str
    top: str = ""


def per_day(found: Recently) -> Chart:
    """Bookings by the day on which they begin; those ahead in another shade."""
    kinds = ["ahead" if count.on > found.today else "past" for count in found.days]
    values = [float(count.bookings) for count in found.days]
    titles = [f"{_named(c.on)}: {c.bookings} bookings" for c in found.days]
    total = sum(count.bookings for count in _past(found))
    return _bars(found.days, values, titles, kinds, f"{total:,}", max(values, default=0))


def no_shows(found: Recently) -> Chart:
    """The share of each day's bookings to which nobody came, in percent."""
    days = _past(found)
    values = [100 * c.no_shows / c.bookings if c.bookings else 0.0 for c in days]
    titles = [
        f"{_named(c.on)}: {c.no_shows} of {c.bookings} ({value:.0f} %)"
        for c, value in zip(days, values, strict=True)
    ]
    missed, booked = sum(c.no_shows for c in days), sum(c.bookings for c in days)
    total = f"{100 * missed / booked:.1f} %" if booked else "–"
    return _bars(days, values, titles, ["missed"] * len(days), total, max(values, default=0), " %")


def _past(found: Recently) -> list[Count]:
    return [count for count in found.days if count.on <= found.today]


def _named(on: date) -> str:
    return f"{on:%a} {on.day} {on:%b}"


def _bars(
    days: Sequence[Count],
    values: Sequence[float],
    titles: Sequence[str],
    kinds: Sequence[str],
    total: str,
    most: float,
    unit: str = "",
) -> Chart:
    step, room = WIDTH / max(1, len(days)), HEIGHT - FOOT - TOP
    bars, labels = [], []
    for n, (count, value, title, kind) in enumerate(zip(days, values, titles, kinds, strict=True)):
        height = round(room * value / most, 1) if most else 0.0
        bars.append(
            Bar(
                round(n * step + 1, 1), TOP + room - height, round(step - 2, 1), height, title, kind
            )
        )
        if count.on.weekday() == 0:
            labels.append(Label(round(n * step + 1, 1), HEIGHT - 4, f"{count.on:%-d %b}"))
    return Chart(WIDTH, HEIGHT, bars, labels, total, f"{most:.0f}{unit}" if most else "")


@dataclass(frozen=True)
class Cell:
    """`opacity` grows with how full the hour is; `kind` is shut where nothing is open."""

    x: int
    y: int
    opacity: float
    title: str
    kind: str


@dataclass(frozen=True)
class HeatMap:
    width: int
    height: int
    cells: list[Cell]
    labels: list[Label]


def heat_map(found: Recently) -> HeatMap:
    """Used time as a share of open time, by weekday and hour of the clock on the wall."""
    cells = [
        _cell(weekday, hour, share)
        for weekday, row in enumerate(found.heat)
        for hour, share in enumerate(row)
    ]
    labels = [Label(0, TOP + n * ROW + 14, name) for n, name in enumerate(WEEKDAYS)]
    labels += [Label(LEFT + hour * HOUR, 9, f"{hour:02d}") for hour in range(0, 24, 3)]
    return HeatMap(LEFT + 24 * HOUR, TOP + 7 * ROW, cells, labels)


def _cell(weekday: int, hour: int, share: float | None) -> Cell:
    x, y = LEFT + hour * HOUR, TOP + weekday * ROW
    when = f"{WEEKDAYS[weekday]} {hour:02d}:00"
    if share is None:
        return Cell(x, y, 1, f"{when}: closed", "shut")
    return Cell(x, y, round(0.06 + 0.94 * share, 2), f"{when}: {100 * share:.0f} % used", "open")
