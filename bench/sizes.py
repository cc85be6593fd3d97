"""How much is measured: the everyday size, `--quick` for two minutes, `--bookings N` for more.

The rule: a figure is a ratio to something done in turn with it, so that what else the machine does
falls on both; its spread is that of the rounds.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass
class Plan:
    quick: bool = False
    bookings: int = 1_000_000
    minutes: float = 5.0

    @property
    def sizes(self) -> list[int]:
        """Tables of 10 thousand bookings and, by tens, more."""
        most = 100_000 if self.quick else self.bookings
        return [size for size in (10**n for n in range(4, 9)) if size <= most]

    def rounds(self, many: int) -> int:
        return max(3, many // 4) if self.quick else many


PLAN = Plan()


@dataclass
class Figure:
    """One row of the table. `met`: whether it reaches its goal; None where there is none."""

    what: str
    figure: str
    goal: str = ""
    met: bool | None = None


@dataclass
class Curve:
    """How something grows: value by size of the table, or by time."""

    title: str
    unit: str
    lines: dict[str, dict[int, float]] = field(default_factory=dict)
    along: str = "bookings in the table"


CURVES: list[Curve] = []


@dataclass
class Compared:
    """What two pieces of work took in turn, in seconds."""

    ours: list[float]
    floor: list[float]

    @property
    def ratios(self) -> list[float]:
        return [a / b for a, b in zip(self.ours, self.floor, strict=True)]

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    def __str__(self) -> str:
        times = " / ".join(f"{1e3 * statistics.median(t):.1f}" for t in (self.ours, self.floor))
        return f"{self.ratio:.2f} × ({spread(self.ratios)}; {times} ms)"


def spread(values: Sequence[float]) -> str:
    """The middle half."""
    low, _, high = statistics.quantiles(values, n=4)
    return f"{low:.2f} to {high:.2f}"


def in_turn(
    ours: Callable[[], object], floor: Callable[[], object], rounds: int, each: int = 1
) -> Compared:
    """Both, by turns, after a first time that does not count."""
    ours(), floor()
    found = Compared([], [])
    for _ in range(rounds):
        for work, times in ((floor, found.floor), (ours, found.ours)):
            began = time.perf_counter()
            for _ in range(each):
                work()
            times.append((time.perf_counter() - began) / each)
    return found
