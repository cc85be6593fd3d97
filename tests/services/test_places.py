"""Units, buffers and several resources at once: what a booking takes, all or nothing."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api import errors
from api.models import Allocation, Booking, Resource, Venue
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking, end_booking, reinstate_booking
from api.services.bookings.changes import BookingChanges
from api.services.bookings.extend import extend_booking
from api.services.bookings.reschedule import reschedule_booking

pytestmark = pytest.mark.django_db
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def bikes(venue):
    return Resource.objects.create(venue=venue, name="Bikes", units=3, capacity=1)


def units(booking):
    return sorted(booking.allocations.values_list("unit", flat=True))


def crowd(place, at):
    """How many units are taken at that moment."""
    return Allocation.objects.filter(resource=place, blocking=True, span__contains=at).count()


# units


def test_as_many_as_there_are_units_get_one_and_the_next_is_refused(bikes, book, soon):
    made = [book(bikes) for _ in range(3)]
    assert sorted(units(row)[0] for row in made) == [1, 2, 3]
    with pytest.raises(errors.SlotTaken) as refused:
        book(bikes, 0.5)
    assert {row.pk for row in refused.value.conflicts} == {row.pk for row in made}
    assert refused.value.alternatives[0] == (soon + HOUR, soon + 2 * HOUR)
    assert crowd(bikes, soon) == 3


def test_a_quantity_is_taken_whole_or_not_at_all(bikes, book, soon):
    two = book(bikes, quantity=2)
    assert len(units(two)) == len(set(units(two))) == 2
    with pytest.raises(errors.SlotTaken):
        book(bikes, quantity=2)
    assert crowd(bikes, soon) == 2
    assert len(units(book(bikes))) == 1


@pytest.mark.parametrize("quantity", [0, -1, 4])
def test_more_units_than_there_are_and_fewer_than_one_are_refused(bikes, book, quantity):
    with pytest.raises(errors.Unfit):
        book(bikes, quantity=quantity)
    assert not Booking.objects.exists()


def test_guests_and_price_count_by_unit(bikes, book):
    Resource.objects.filter(pk=bikes.pk).update(price_minor=500, capacity=2)
    held = book(bikes, quantity=3, guests=6)
    assert held.price_minor == 1500
    cancel_booking(held.pk, Actor.for_booking(held.owner, held))
    with pytest.raises(errors.OverCapacity):
        book(bikes, quantity=2, guests=5)


def test_the_database_refuses_one_too_many_even_to_a_bare_row(bikes, book, soon):
    made, *_ = [book(bikes) for _ in range(3)]
    row = Booking.objects.get(pk=made.pk)
    row.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)
    for unit in (1, 4):  # one that is taken, one that does not exist
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO api_allocation (booking_id, resource_id, unit, span, blocking, kind)"
                " SELECT booking_id, resource_id, %s, span, true, kind FROM api_allocation LIMIT 1",
                [unit],
            )
    assert crowd(bikes, soon) == 3


def test_a_bare_row_gets_the_lowest_free_units(bikes, book):
    first = book(bikes)
    row = Booking.objects.get(pk=first.pk)
    row.pk, row.quantity = None, 2
    row.save(force_insert=True)
    assert sorted(units(row) + units(first)) == [1, 2, 3]


def test_what_the_count_permits_is_made_room_for(bikes, book, soon):
    """Three in a row on three units, then a long one: only after renumbering it fits."""
    rows = [book(bikes, n) for n in range(3)]
    for unit, row in enumerate(rows, 1):
        Allocation.objects.filter(booking=row).update(unit=unit)
    others = [book(bikes, n + 0.5, 1) for n in range(2)]
    long = book(bikes, 0, 3)
    assert len(units(long)) == 1
    for n in range(6):
        at = soon + n * HOUR / 2
        taken = Allocation.objects.filter(span__contains=at, blocking=True)
        assert len(set(taken.values_list("unit", flat=True))) == taken.count() <= 3
    assert {row.pk for row in others} <= set(Booking.objects.values_list("pk", flat=True))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    asked=st.lists(
        st.tuples(st.integers(0, 12), st.integers(1, 6), st.integers(1, 3), st.booleans()),
        min_size=5,
        max_size=30,
    )
)
def test_a_booking_that_the_count_permits_is_never_refused_for_its_number(bikes, book, soon, asked):
    """Without `make_room` the first long booking between short ones fails. The oracle counts."""
    with transaction.atomic():
        taken, made = [0] * 20, []
        for start, length, quantity, leaves in asked:
            if leaves and made:
                gone, hours, many = made.pop(0)
                cancel_booking(gone.pk, Actor.for_booking(gone.owner, gone))
                for hour in hours:
                    taken[hour] -= many
            hours = range(start, start + length)
            fits = all(taken[hour] + quantity <= 3 for hour in hours)
            try:
                made.append((book(bikes, start, length, quantity=quantity), hours, quantity))
                assert fits
            except errors.SlotTaken:
                assert not fits
                continue
            for hour in hours:
                taken[hour] += quantity
        for hour, many in enumerate(taken):
            assert crowd(bikes, soon + (hour + 0.5) * HOUR) == many
        transaction.set_rollback(True)


def test_a_moved_booking_gets_another_unit_where_its_own_is_taken(bikes, book, soon):
    rows = [book(bikes) for _ in range(3)]
    for _ in range(2):
        book(bikes, 5)
    for row in rows[:1]:
        moved = reschedule_booking(
            row.pk,
            Actor.for_booking(row.owner, row),
            BookingChanges(starts_at=soon + 5 * HOUR, ends_at=soon + 6 * HOUR),
        )
        assert len(units(moved)) == 1
    assert crowd(bikes, soon) == 2
    assert crowd(bikes, soon + 5 * HOUR) == 3
    row = rows[1]
    with pytest.raises(errors.SlotTaken):
        reschedule_booking(
            row.pk,
            Actor.for_booking(row.owner, row),
            BookingChanges(starts_at=soon + 5 * HOUR, ends_at=soon + 6 * HOUR),
        )
    assert crowd(bikes, soon) == 2


def test_the_quantity_of_a_booking_can_change(bikes, book, soon):
    row = book(bikes)
    actor = Actor.for_booking(row.owner, row)
    reschedule_booking(row.pk, actor, BookingChanges(quantity=3))
    assert units(row) == [1, 2, 3]
    with pytest.raises(errors.Unfit):
        reschedule_booking(row.pk, actor, BookingChanges(quantity=4))
    reschedule_booking(row.pk, actor, BookingChanges(quantity=1))
    assert crowd(bikes, soon) == 1


def test_a_reinstated_booking_takes_what_is_free(bikes, book, sam):
    row = book(bikes, quantity=2)
    cancel_booking(row.pk, Actor.for_booking(row.owner, row))
    others = book(bikes)
    reinstate_booking(row.pk, Actor.in_venue(sam, bikes.venue_id))
    assert sorted(units(row) + units(others)) == [1, 2, 3]


def count_statements(call):
    with CaptureQueriesContext(connection) as queries:
        call()
    return len(queries)


@pytest.mark.django_db(transaction=True)
def test_a_unit_is_taken_and_a_full_class_refused_by_one_statement(bikes, court, book):
    """As a plain booking: one for its rules, and one. Without `is_full` it asks for a count too."""
    for place in (bikes, court):  # so that their rules are cached
        book(place, 5)

    def refuse():
        with pytest.raises(errors.SlotTaken):
            book(bikes)

    plain = count_statements(lambda: book(court))
    assert [count_statements(lambda: book(bikes)) for _ in range(3)] == [plain] * 3
    assert count_statements(refuse) == plain
    assert count_statements(lambda: book(bikes, 8, quantity=2)) == plain


@pytest.mark.parametrize("quantity", [1, 2])
def test_a_class_is_not_full_of_what_the_clock_should_have_ended(bikes, book, soon, quantity):
    """Without `build_any_due_sql` in `take_parts` one is refused."""
    rows = [book(bikes) for _ in range(3)]
    dead = [row.pk for row in rows[:quantity]]
    past = Now() - MINUTE
    Booking.objects.filter(pk__in=dead).update(status="held", hold_expires_at=past)
    new = book(bikes, quantity=quantity)
    assert units(new) == sorted(unit for row in rows[:quantity] for unit in units(row))
    ended = Booking.objects.filter(status="expired").order_by("pk")
    assert list(ended.values_list("pk", flat=True)) == dead


def test_a_full_class_is_refused_while_something_elsewhere_is_overdue(bikes, court, book, soon):
    made = [book(bikes) for _ in range(3)]
    held = book(court)
    Booking.objects.filter(pk=held.pk).update(status="held", hold_expires_at=Now() - MINUTE)
    with pytest.raises(errors.SlotTaken) as refused:
        book(bikes)
    assert {row.pk for row in refused.value.conflicts} == {row.pk for row in made}
    held.refresh_from_db()
    assert held.status == "held"


def test_a_set_of_which_one_part_is_full_leaves_the_others(bikes, book, soon):
    """Also where the refused one is part of a transaction that goes on."""
    for _ in range(2):
        book(bikes)
    seats = Resource.objects.create(venue=bikes.venue, name="Seats", units=4)
    with transaction.atomic():
        with pytest.raises(errors.SlotTaken):
            book(seats, others=[bikes.pk], quantity=2)
        assert (crowd(seats, soon), crowd(bikes, soon)) == (0, 2)
        last = book(seats, others=[bikes.pk])
    assert last.places == sorted(last.allocations.values_list("resource", "unit"))
    assert (crowd(seats, soon), crowd(bikes, soon)) == (1, 3)


# buffers


def test_buffers_of_neighbours_add_up_and_people_see_their_own_times(court, book, soon):
    Resource.objects.filter(pk=court.pk).update(buffer_before=10 * MINUTE, buffer_after=20 * MINUTE)
    row = book(court)
    assert (row.starts_at, row.ends_at) == (soon, soon + HOUR)
    for start in (1.0, 1.25, -1.25):
        with pytest.raises(errors.SlotTaken) as refused:
            book(court, start)
        assert refused.value.conflicts == [row]
    assert refused.value.alternatives[0] == (soon - 90 * MINUTE, soon - 30 * MINUTE)
    book(court, 1.5)
    book(court, -1.5)


def test_a_buffer_is_frozen_into_the_booking(court, book, soon):
    Resource.objects.filter(pk=court.pk).update(buffer_after=HOUR)
    row = book(court)
    Resource.objects.filter(pk=court.pk).update(buffer_after=timedelta(0))
    with pytest.raises(errors.SlotTaken):
        book(court, 1)
    book(court, 2)
    cancel_booking(row.pk, Actor.for_booking(row.owner, row))
    book(court, 0)


def test_buffers_may_lie_outside_hours(court, book, soon):
    court.opens_at, court.closes_at = "09:00", "10:00"
    court.buffer_before = court.buffer_after = 30 * MINUTE
    court.save()
    assert book(court).status == "confirmed"


# several at once


@pytest.fixture
def beamer(venue):
    return Resource.objects.create(venue=venue, name="Beamer", capacity=4, price_minor=200)


def places(booking):
    rows = booking.allocations.filter(blocking=True)
    return sorted(rows.values_list("resource", flat=True))


def test_several_are_taken_together_or_not_at_all(court, beamer, book, soon):
    Resource.objects.update(price_minor=200)
    both = book(court, others=[beamer.pk])
    assert places(both) == [court.pk, beamer.pk]
    assert both.price_minor == 400
    for place in (court, beamer):
        with pytest.raises(errors.SlotTaken) as refused:
            book(place, 0.5)
        assert refused.value.conflicts == [both]
    book(beamer, 1)
    with pytest.raises(errors.SlotTaken):
        book(court, 1, others=[beamer.pk])
    book(court, 1)  # which was left free
    assert Allocation.objects.count() == 4


def test_several_move_and_end_together(court, beamer, book, soon, venue):
    Resource.objects.update(price_minor=0)
    both = book(court, others=[beamer.pk])
    actor = Actor.for_booking(both.owner, both)
    later = BookingChanges(starts_at=soon + 3 * HOUR, ends_at=soon + 4 * HOUR)
    reschedule_booking(both.pk, actor, later)
    book(court)
    rival = book(beamer, 1)
    with pytest.raises(errors.SlotTaken):  # the beamer is taken there
        reschedule_booking(
            both.pk, actor, BookingChanges(starts_at=soon + HOUR, ends_at=soon + 2 * HOUR)
        )
    assert places(both) == [court.pk, beamer.pk]
    cancel_booking(rival.pk, Actor.for_booking(rival.owner, rival))
    extend_booking(both.pk, actor, by=HOUR)
    for place in (court, beamer):
        with pytest.raises(errors.SlotTaken):
            book(place, 4)
    cancel_booking(both.pk, actor)
    assert places(both) == []
    book(court, 4)
    book(beamer, 4)


def test_the_resources_of_a_booking_can_change(court, beamer, book, soon, venue):
    Resource.objects.update(price_minor=0)
    annex = Resource.objects.create(venue=venue, name="Annex", capacity=4)
    row = book(court)
    actor = Actor.for_booking(row.owner, row)
    reschedule_booking(row.pk, actor, BookingChanges(resource=annex.pk, others=[beamer.pk]))
    assert places(row) == [beamer.pk, annex.pk]
    book(court)
    with pytest.raises(errors.SlotTaken):
        book(beamer)
    reschedule_booking(row.pk, actor, BookingChanges(resource=annex.pk, others=[]))
    assert places(row) == [annex.pk]
    book(beamer)


@pytest.mark.parametrize("wrong", ["twice", "elsewhere", "unknown"])
def test_what_does_not_go_together_is_refused(court, beamer, book, wrong):
    other = Venue.objects.create(slug="other", name="Other")
    far = Resource.objects.create(venue=other, name="Far")
    named = {"twice": court.pk, "elsewhere": far.pk, "unknown": 10**9}[wrong]
    kind = errors.NotFound if wrong == "unknown" else errors.Unfit
    with pytest.raises(kind):
        book(court, others=[named])
    assert not Booking.objects.exists()


def test_the_rules_of_each_part_count(court, beamer, book):
    Resource.objects.filter(pk=beamer.pk).update(maintenance=True)
    with pytest.raises(errors.ResourceUnavailable):
        book(court, others=[beamer.pk])


def test_an_early_end_frees_all_of_it(court, beamer, book, soon):
    Resource.objects.update(price_minor=0)
    both = book(court, others=[beamer.pk])
    Booking.objects.filter(pk=both.pk).update(starts_at=Now() - MINUTE, ends_at=Now() + HOUR)
    end_booking(both.pk, Actor.for_booking(both.owner, both))
    assert places(both) == []
