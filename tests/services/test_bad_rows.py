"""A row that a job cannot work on is set aside, and does not hold up the others. Each is seen to
fail where `run_each` lets the error out, or `make_offers` does."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now

from api.models import Block, Booking, IdempotencyKey, JobFailure, Resource, RulesReview, Venue
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking
from api.services.operations import jobs
from api.services.reviews.review import review_changed_venues
from api.services.venues.block_renewal import renew_blocks
from api.services.venues.blocks import create_block
from api.services.waitlist.entries import WaitlistRequest, join_waitlist
from api.signals import booking_inserting
from tasks.upkeep import prune_history

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
POISON = """
CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF OLD.{key} = {value} THEN RAISE 'this row is poison'; END IF; RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER poison BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION poison();
"""


def poison(model, key, value):
    with connection.cursor() as cursor:
        cursor.execute(POISON.format(table=model._meta.db_table, key=key, value=value))


def cure():
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION poison() CASCADE")
    assert jobs.retry(JobFailure.objects.get().pk) == 1


def test_a_venue_that_cannot_be_reviewed(booked, ana, venue, court):
    """The first by id: without this no venue after it was looked through."""
    hall = Resource.objects.create(venue=Venue.objects.create(slug="hall", name="Hall"), name="A")
    for place in (court, hall):
        booked(ana, place=place)
    Resource.objects.update(maintenance=True)
    RulesReview.objects.update(reviewed_at=Now() - HOUR)
    poison(RulesReview, "venue_id", venue.pk)
    assert review_changed_venues() == 1
    assert review_changed_venues() == 0
    failure = JobFailure.objects.get()
    assert (failure.job, failure.row) == ("review_bookings", f"venue {venue.pk}")
    cure()
    assert review_changed_venues() == 1
    assert not JobFailure.objects.exists()


def test_a_block_that_cannot_be_renewed(venue, court, soon, sam):
    def block(hours):
        times = {"starts_at": soon + hours * HOUR, "ends_at": soon + (hours + 1) * HOUR}
        return create_block(court, Actor.in_venue(sam, venue.pk), **times, rule="FREQ=DAILY")

    first, second = block(0), block(1)
    Venue.objects.update(max_advance=timedelta(days=700))
    poison(Block, "id", first.pk)
    assert renew_blocks() == 1
    assert len(Block.objects.get(pk=second.pk).repeats) > len(second.repeats)
    cure()
    assert renew_blocks() == 1
    assert not JobFailure.objects.exists()


def test_a_table_that_cannot_be_pruned(transactional_db):
    old = Now() - timedelta(days=3650)
    kept = IdempotencyKey.objects.create(key="k", scope="s", status=200, created_at=old)
    gone = JobFailure.objects.create(job="x", row="1", error="", retry_at=old)
    poison(IdempotencyKey, "id", kept.pk)
    try:
        assert prune_history() == 1
        assert not JobFailure.objects.filter(pk=gone.pk).exists()
    finally:
        cure()
    assert prune_history() == 1
    assert not IdempotencyKey.objects.exists()


def test_somebody_to_whom_no_offer_can_be_made(booked, court, soon, ana, ben, person):
    """Whoever cancels is not to blame, and whoever is next in line is offered the time."""
    booking = booked(ana)
    cleo = person("cleo")
    for owner in (ben, cleo):
        join_waitlist(WaitlistRequest(owner, soon, soon + HOUR, duration=HOUR, resource=court.pk))

    def fail(rows, **_):
        if rows[0].owner == ben:
            raise ValueError("no offer can be made")

    booking_inserting.connect(fail)
    try:
        cancel_booking(booking.pk, Actor.for_booking(ana, booking))
    finally:
        booking_inserting.disconnect(fail)
    assert Booking.objects.get(status="offered").owner == cleo
    assert JobFailure.objects.get().job == "make_offers"
