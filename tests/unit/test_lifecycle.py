"""The tables of `api.lifecycle`: what must hold of them whatever rows they get."""

from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from api.lifecycle import BOOKING, TABLES, TRADE, WAITLIST, ActorRole, Status, Table
from api.management.commands.lifecycle import build_page
from api.models import Booking, Trade, WaitlistEntry

ROOT = Path(__file__).resolve().parents[2]
each_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.model)


@each_table
def test_every_status_of_a_move_is_known(table: Table):
    named = {s for move in table for s in (*move.sources, move.target)}
    assert named <= set(table.statuses.values)
    assert set(table.initial) | named == set(table.statuses.values)


@each_table
def test_what_blocks_is_exactly_what_is_not_final(table: Table):
    """Final: the clock takes nothing out of it, and nobody leaves it but to take the end back."""
    left_to_blocking = {"pay_late", "reinstate"}
    left = {s for move in table if move.name not in left_to_blocking for s in move.sources}
    assert set(table.blocking) == left


@each_table
def test_out_of_every_blocking_status_the_clock_leads(table: Table):
    assert {s for move in table.time_driven for s in move.sources} == set(table.blocking)


@each_table
def test_a_clock_move_that_has_an_exception_leaves_it_to_another_clock_move(table: Table):
    """`complete` passes over a row whose no-show deadline is set: `release` takes that one."""
    for move in table.time_driven:
        if move.unless:
            others = [m for m in table.time_driven if m.deadline == move.unless and m is not move]
            watched = {s for m in others for s in m.sources}
            stamped = {s for m in table for s in [m.target] if move.unless in m.stamps}
            assert set(move.sources) <= watched | stamped


@each_table
def test_the_clock_moves_what_has_a_deadline_and_nothing_else(table: Table):
    for move in table:
        if move.name != "end_series":  # which follows from other rows
            assert (ActorRole.CLOCK in move.by) == bool(move.deadline), move.name


@each_table
def test_moves_have_one_name_for_each_target_and_a_reason(table: Table):
    names = [(move.name, move.target) for move in table]
    assert len(names) == len(set(names))
    assert all(move.why and move.by and move.sources for move in table)


@pytest.mark.parametrize(
    ("table", "model"), [(BOOKING, Booking), (TRADE, Trade), (WAITLIST, WaitlistEntry)]
)
def test_every_column_named_in_a_table_is_there_and_every_deadline_has_its_index(table, model):
    columns = {f.column for f in model._meta.concrete_fields}
    for move in table:
        assert {c for c in (move.deadline, move.unless, *move.stamps) if c} <= columns
    partial = [index for index in model._meta.indexes if index.condition is not None]
    indexed = {expression.name for index in partial for expression in index.expressions[:1]}
    assert {move.deadline for move in table.time_driven} <= indexed


def test_the_database_holds_exactly_those_statuses_for_blocking_that_the_table_does(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s FROM unnest(%s::text[]) s WHERE api_status_blocks(s)", [list(Status.values)]
        )
        assert {status for (status,) in cursor.fetchall()} == set(BOOKING.blocking)
    assert set(BOOKING.blocking) == {
        Status.OFFERED,
        Status.HELD,
        Status.PENDING,
        Status.CONFIRMED,
        Status.CHECKED_IN,
    }


def test_an_unknown_move_is_an_error():
    with pytest.raises(AttributeError):
        _ = BOOKING.fly


def test_the_page_about_the_lifecycle_is_printed_from_it(capsys):
    call_command("lifecycle")
    assert capsys.readouterr().out == build_page()
    assert (ROOT / "docs/lifecycle.md").read_text() == build_page()
