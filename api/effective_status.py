"""The status that a row has by now, whether or not the clock's sweep has reached it.

A transition of the clock is due when its row has one of its source statuses, its deadline has
passed by the database's clock, and the column that exempts a row (`unless`) is empty.
`api.lifecycle` declares that once; this module states it for a row in Python, for the ORM and for
SQL. `tests/queries/test_effective_status.py` compares the three.

| | Python | ORM: `build_…` | SQL: `build_…` |
|---|---|---|---|
| this transition is due | `is_due` | `…due_q` | `…due_sql` |
| which one is due, or that none is | `get_due_transition` | `…current_q` | `…not_due_sql`, \
of all rows `…any_due_sql` |
| the status that it makes | `get_effective_status` | `…effective_status_case` | \
`…effective_status_sql` |
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import reduce
from typing import Any, TypeVar

from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.models.functions import Now

from api.lifecycle import BOOKING, NOW, Table, Transition

Rows = TypeVar("Rows", bound=QuerySet[Any])

# this transition is due


def is_due(move: Transition, row: Any, now: datetime) -> bool:
    deadline = getattr(row, move.deadline) if row.status in move.sources else None
    exempt = bool(move.unless) and getattr(row, move.unless) is not None
    return deadline is not None and deadline <= now and not exempt


def build_due_q(move: Transition) -> Q:
    return build_may_become_due_q(move) & Q(**{f"{move.deadline}__lte": Now()})


def build_due_sql(move: Transition, alias: str = "") -> str:
    return f"{build_sources_sql(move, alias)} AND {build_overdue_sql(move, alias)}"


def build_may_become_due_q(move: Transition) -> Q:
    """Every row that the transition may ever move: what the partial index of its sweep holds."""
    rows = Q(status__in=move.sources)
    return rows & Q(**{f"{move.unless}__isnull": True}) if move.unless else rows


def build_sources_sql(move: Transition, alias: str = "") -> str:
    """Literals, so that the planner can use the partial indexes."""
    sources = ", ".join(f"'{source}'" for source in move.sources)
    return f"{alias}status IN ({sources})"


def build_overdue_sql(move: Transition, alias: str = "") -> str:
    exempt = f" AND {alias}{move.unless} IS NULL" if move.unless else ""
    return f"{alias}{move.deadline} <= {NOW}{exempt}"


# which one is due, or that none is


def get_due_transition(table: Table, row: Any, now: datetime) -> Transition | None:
    """The first transition that the clock should already have made of this row."""
    return next((move for move in table.time_driven if is_due(move, row, now)), None)


def build_current_q(table: Table, *statuses: str) -> Q:
    """Rows that have one of these statuses still. None of them may be a status that the clock
    leads to: for those there is `build_effective_status_case`."""
    leaving = [move for move in table.time_driven if set(move.sources) & set(statuses)]
    return reduce(lambda rows, move: rows & ~build_due_q(move), leaving, Q(status__in=statuses))


def build_not_due_sql(table: Table, alias: str = "") -> str:
    return " AND ".join(f"({build_due_sql(move, alias)}) IS NOT TRUE" for move in table.time_driven)


def build_any_due_sql(table: Table, name: str) -> str:
    """Whether anything is due in the table of that name: a look at the first entry of the index of
    each sweep. In its order, because a table of much that is past looks as if all of it were due.
    """
    due = (
        f"(SELECT FROM {name} WHERE {build_due_sql(move)} ORDER BY {move.deadline} LIMIT 1)"
        for move in table.time_driven
    )
    return f"EXISTS ({' UNION ALL '.join(due)})"


# the status that it makes


def get_effective_status(booking: Any) -> str:
    """A row that was read brought the database's `now` along; one just written has nothing due."""
    now = getattr(booking, "now", None)
    move = get_due_transition(BOOKING, booking, now) if now else None
    return str(move.target if move else booking.status)


def build_effective_status_case(table: Table) -> Case:
    moved = (When(build_due_q(move), then=Value(str(move.target))) for move in table.time_driven)
    return Case(*moved, default=F("status"))


def build_effective_status_sql(table: Table, alias: str = "") -> str:
    moved = (
        f"WHEN {build_due_sql(move, alias)} THEN '{move.target}'" for move in table.time_driven
    )
    return f"CASE {' '.join(moved)} ELSE {alias}status END"


# what follows from it


def filter_by_effective_status(rows: Rows, statuses: Collection[str]) -> Rows:
    """Those of the bookings whose effective status is one of these."""
    leading = {source for m in BOOKING.time_driven if m.target in statuses for source in m.sources}
    candidates = rows.filter(status__in={*statuses, *leading})
    candidates = candidates.alias(effective=build_effective_status_case(BOOKING))
    return candidates.filter(effective__in=statuses)


def get_effective_payment_status(booking: Any) -> str:
    """A hold that has run out is not paid any more: the transition that is due would write so."""
    now = getattr(booking, "now", None)
    move = get_due_transition(BOOKING, booking, now) if now else None
    fails = move is not None and "payment_status" in move.stamps and booking.price_minor > 0
    return "failed" if fails else str(booking.payment_status)
