"""History by month: no line fails for want of a month, and none is lost when months come and go."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection, transaction

from api.models import Booking, BookingEvent
from api.queries.bookings import bookings as queries
from api.queries.bookings import timeline
from api.services.operations import history_months, invariants
from api.services.operations.history_months import REST, TABLE

BEFORE = f"{TABLE}_before"


def run(sql: str, *values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        return [row[0] for row in cursor.fetchall()] if cursor.description else []


def month(ahead: int) -> datetime:
    """The first instant of the month that is so many ahead of this one."""
    now = datetime.now(UTC)
    years, rest = divmod(now.year * 12 + now.month - 1 + ahead, 12)
    return datetime(years, rest + 1, 1, tzinfo=UTC)


def name(ahead: int) -> str:
    return f"{TABLE}_{month(ahead):%Y_%m}"


def partitions() -> set[str]:
    return set(run(f"SELECT inhrelid::regclass::text FROM pg_inherits"
                   f" WHERE inhparent = '{TABLE}'::regclass"))  # fmt: skip


def line(booking: Booking, at: datetime, verb: str = "note") -> BookingEvent:
    """A line as it would be written at that time."""
    return BookingEvent.objects.create(
        booking=booking, verb=verb, to_status=booking.status, by="owner", at=at
    )


def where(event: BookingEvent) -> str:
    """The partition that a line lies in."""
    [found] = run(f"SELECT tableoid::regclass::text FROM {TABLE} WHERE id = %s", event.pk)
    return str(found)


@pytest.fixture
def no_months(db: None) -> None:
    """As after a long time in which nothing made any: only DEFAULT is left."""
    for each in partitions() - {REST}:
        run(f"DROP TABLE {each}")


@pytest.mark.django_db
def test_months_are_made_long_before_they_begin(no_months):
    assert history_months.keep() == 4
    assert partitions() == {REST, *(name(ahead) for ahead in range(4))}


@pytest.mark.django_db
def test_with_nothing_to_do_it_looks_once(django_assert_num_queries):
    history_months.keep()
    with django_assert_num_queries(1):
        assert history_months.keep() == 0


@pytest.mark.django_db
def test_what_the_migration_left_is_history_before_the_first_month(booked, ana):
    """It holds this month and the next, so there is time to make more."""
    history_months.keep()
    assert partitions() == {REST, BEFORE, name(2), name(3)}
    assert where(booked(ana).events.get()) == BEFORE


@pytest.mark.django_db
def test_a_line_without_a_month_is_kept_and_moves_into_its_own(no_months, booked, ana):
    booking = booked(ana)
    lines = [line(booking, month(ahead) + timedelta(days=3)) for ahead in (-2, 0, 0, 7)]
    assert {where(each) for each in lines} == {REST}
    before = list(BookingEvent.objects.order_by("id").values())
    history_months.keep()
    assert [where(each) for each in lines] == [name(-2), name(0), name(0), name(7)]
    assert list(BookingEvent.objects.order_by("id").values()) == before
    assert run(f"SELECT count(*) FROM {REST}") == [0]
    assert history_months.keep() == 0


@pytest.mark.django_db
def test_a_month_has_what_the_table_has(no_months):
    """Indexes, foreign keys and numbers: the same as in DEFAULT, which PostgreSQL made itself."""
    history_months.keep()
    shape = (
        "SELECT string_agg(what, E'\\n' ORDER BY what) FROM ("
        "SELECT pg_get_constraintdef(oid) || ' ' || convalidated || ' ' || conislocal AS what"
        " FROM pg_constraint WHERE conrelid = '{0}'::regclass UNION ALL"
        " SELECT replace(pg_get_indexdef(indexrelid), '{0}', '') FROM pg_index"
        " WHERE indrelid = '{0}'::regclass UNION ALL"
        " SELECT format('%s %s %s', attname, attidentity, pg_get_expr(adbin, adrelid))"
        " FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum"
        " WHERE attrelid = '{0}'::regclass AND attnum > 0) AS parts"
    )
    assert run(shape.format(name(1))) == run(shape.format(REST))


@pytest.mark.django_db
@pytest.mark.parametrize("kept", [0, 1, 2])
def test_months_that_are_not_kept_are_dropped_whole(no_months, booked, ana, settings, kept):
    booking = booked(ana)
    for ahead in range(-4, 1):
        line(booking, month(ahead) + timedelta(days=3))
    history_months.keep()
    settings.KEEP_HISTORY_MONTHS = kept
    dropped = 4 - kept if kept else 0
    assert history_months.keep() == dropped
    assert partitions() == {REST, *(name(ahead) for ahead in range(dropped - 4, 4))}
    assert BookingEvent.objects.filter(verb="note").count() == 5 - dropped
    assert history_months.keep() == 0


@pytest.mark.django_db
def test_a_booking_whose_history_is_gone_breaks_no_invariant(no_months, booked, ana, settings):
    """Without the look at what is kept, every old booking is said to be changed behind history."""
    old, new = booked(ana), booked(ana, 5)
    Booking.objects.filter(pk=old.pk).update(created_at=month(-5))
    old.events.update(at=month(-5))
    history_months.keep()
    settings.KEEP_HISTORY_MONTHS = 1
    assert history_months.keep() == 1
    assert not old.events.exists()
    assert invariants.list_problems(None) == []
    new.events.all().delete()
    [problem] = invariants.list_problems(None)
    assert problem == f"booking {new.pk} is confirmed but its history ends with nothing"


@pytest.mark.django_db
def test_a_timeline_is_looked_for_in_the_months_of_its_booking(no_months, booked, ana):
    """Without the bounds, each of the months is looked into."""
    booking = booked(ana)
    for ahead in range(-9, 0):
        line(booking, month(ahead) + timedelta(days=3))
    history_months.keep()
    mine = Booking.objects.get(pk=booking.pk)
    life = (mine.created_at - timedelta(days=1), mine.updated_at + timedelta(days=1))
    plan = queries.history(mine).explain()
    looked = {each for each in partitions() if f"on {each}" in plan}
    assert looked == {f"{TABLE}_{each:%Y_%m}" for each in life}
    assert [each.title for each in timeline.of(mine) if each.kind == "event"] == ["book"]


@pytest.mark.django_db
def test_the_newest_lines_are_found_in_the_last_months_if_they_are_there(
    no_months, booked, ana, django_assert_num_queries
):
    """Few enough: everywhere."""
    booking = booked(ana)
    for ahead in (-20, -7):
        line(booking, month(ahead))
    history_months.keep()
    with django_assert_num_queries(1):
        assert [each.verb for each in queries.newest(1)] == ["book"]
    with django_assert_num_queries(3):
        assert len(queries.newest(5, booking__owner=ana)) == 3


@pytest.mark.django_db
def test_a_booking_that_is_removed_takes_its_lines_out_of_every_month(no_months, booked, ana):
    booking, other = booked(ana), booked(ana, 5)
    for ahead in (-2, -1, 0):
        line(booking, month(ahead) + timedelta(days=3))
    history_months.keep()
    booking.deliveries.all().delete()
    booking.delete()
    assert list(BookingEvent.objects.values_list("booking", flat=True)) == [other.pk]


@pytest.fixture
def standing(transactional_db: None) -> Iterator[None]:
    """The partitions as they were are put back: what these tests commit outlives them."""
    yield
    call_command("migrate", "api", "0005", verbosity=0)
    call_command("migrate", "api", verbosity=0)


@pytest.mark.django_db(transaction=True)
def test_months_made_by_two_at_once_are_made_once(standing, at_once, no_months):
    results = at_once(*[history_months.keep] * 4)
    assert max(results) == 4
    history_months.keep()
    assert partitions() == {REST, *(name(ahead) for ahead in range(4))}
    assert history_months.keep() == 0


@pytest.mark.django_db(transaction=True)
def test_lines_written_while_a_month_is_made_are_all_kept(standing, no_months, booked, ana):
    """Without the second move, a line that came meanwhile stands in the way, and the month is not
    made; without the lock on the table, a line that waited at DEFAULT is refused there."""
    booking, over, written, errors = booked(ana), threading.Event(), [], []

    def write() -> None:
        try:
            while not over.is_set():
                written.append(line(booking, datetime.now(UTC)).pk)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    writers = [threading.Thread(target=write) for _ in range(3)]
    for each in writers:
        each.start()
    try:
        for _ in range(5):
            while len(written) < 50:
                assert not errors
            history_months.keep()
            assert name(0) in partitions()
            with transaction.atomic():
                run(f"LOCK {TABLE}")
                run(f"ALTER TABLE {TABLE} DETACH PARTITION {name(0)}")
                run(f"INSERT INTO {REST} SELECT * FROM {name(0)}")
                run(f"DROP TABLE {name(0)}")
    finally:
        over.set()
        for each in writers:
            each.join()
    assert errors == []
    kept = BookingEvent.objects.filter(verb="note").values_list("pk", flat=True)
    assert sorted(kept) == sorted(written)


@pytest.mark.django_db(transaction=True)
def test_who_is_in_the_way_is_not_waited_for_long(standing, no_months, booked, ana):
    """A backup reads every table for hours. Bookings go on; the months are made after it."""
    done = threading.Event()
    reading = threading.Barrier(2)

    def read() -> None:
        with transaction.atomic():
            BookingEvent.objects.count()
            reading.wait()
            done.wait()
        connection.close()

    reader = threading.Thread(target=read)
    reader.start()
    reading.wait()
    try:
        with pytest.raises(OperationalError, match="lock timeout"):
            history_months.keep()
        assert where(booked(ana).events.get()) == REST
    finally:
        done.set()
        reader.join()
    history_months.keep()
    assert where(BookingEvent.objects.get()) == name(0)


@pytest.mark.django_db(transaction=True)
def test_a_table_full_of_lines_becomes_a_partition_as_it_is(standing, booked, ana):
    """Not a row of it is written anew, and numbers go on."""
    booking = booked(ana)
    call_command("migrate", "api", "0005", verbosity=0)
    line(booking, month(-3))
    file = run("SELECT pg_relation_filenode(%s)", TABLE)
    before = list(BookingEvent.objects.order_by("id").values())
    call_command("migrate", "api", verbosity=0)
    assert run("SELECT pg_relation_filenode(%s)", BEFORE) == file
    assert list(BookingEvent.objects.order_by("id").values()) == before
    assert line(booking, datetime.now(UTC)).pk > before[-1]["id"]
    assert invariants.list_problems(None) == []
    assert run("SELECT conname FROM pg_constraint WHERE conname = 'event_before'") == []


@pytest.mark.django_db(transaction=True)
def test_a_migration_that_was_broken_off_starts_again(standing, booked, ana):
    """As if it was killed while the key was built: the promise and half an index are there."""
    booked(ana)
    call_command("migrate", "api", "0005", verbosity=0)
    run(f"ALTER TABLE {TABLE} ADD CONSTRAINT event_before CHECK (at < '2000-01-01') NOT VALID")
    run(f"CREATE UNIQUE INDEX {BEFORE}_pkey ON {TABLE} (id, at)")
    call_command("migrate", "api", verbosity=0)
    assert partitions() == {REST, BEFORE}
    assert BookingEvent.objects.count() == 1
