"""Blocks, rates, services and parts of bookings as staff see and make them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from api.models import Block, Booking, Need, Pool, Resource, Service, Venue
from api.services.actors import Actor
from api.services.venues.blocks import create_block

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def staff(sam):
    client = Client()
    client.force_login(sam)
    return client


@pytest.fixture
def admin(ada):
    client = Client()
    client.force_login(ada)
    return client


def text_of(answer):
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def wall(at):
    return f"{at:%Y-%m-%dT%H:%M}"


def test_a_time_is_blocked_and_lifted_on_the_board_in_the_time_of_the_venue(
    staff, venue, court, soon
):
    Venue.objects.update(time_zone="Asia/Tokyo")
    form = {"resource": court.pk, "reason": "Paint", "weeks": 2, "board": "?view=week"}
    times = {"starts_at": wall(soon), "ends_at": wall(soon + HOUR)}
    done = staff.post("/admin/board/club/blocks/", form | times)
    assert done["Location"] == "/admin/board/club/?view=week"
    block = Block.objects.get()
    assert (block.starts_at, block.reason) == (soon - 9 * HOUR, "Paint")
    assert block.rule == "FREQ=WEEKLY;COUNT=2"
    for view in ("day", "week"):
        shown = text_of(staff.get(f"/admin/board/club/?view={view}&on={soon:%Y-%m-%d}"))
        assert "09:00–10:00 Paint" in shown
    week = text_of(staff.get(f"/admin/api/resource/{court.pk}/week/?on={soon:%Y-%m-%d}"))
    assert "09:00–10:00 Paint" in week
    staff.post(f"/admin/board/club/blocks/{block.pk}/lift/")
    assert not Block.objects.exists()


def test_over_bookings_it_is_refused_until_it_is_said_so(staff, court, booked, ana, soon):
    booking = booked(ana)
    form = {"resource": court.pk, "starts_at": wall(soon), "ends_at": wall(soon + HOUR), "weeks": 1}
    refused = staff.post("/admin/board/club/blocks/", form, follow=True)
    assert f"Bookings are in the way: {booking.pk}" in text_of(refused)
    assert not Block.objects.exists()
    forced = staff.post("/admin/board/club/blocks/", form | {"force": "on"}, follow=True)
    assert "do not fit any more: 1" in text_of(forced)
    assert Block.objects.count() == 1
    Block.objects.all().delete()
    page = {
        "resource": court.pk,
        "weeks": 1,
        "reason": "Paint",
        "starts_at_0": f"{soon + 2 * HOUR:%Y-%m-%d}",
        "starts_at_1": "11:00",
        "ends_at_0": f"{soon:%Y-%m-%d}",
        "ends_at_1": "12:00",
    }
    assert staff.post("/admin/api/block/add/", page).status_code == 302
    block = Block.objects.get()
    assert "Paint" in text_of(staff.get(f"/admin/api/block/{block.pk}/change/"))
    staff.post(f"/admin/api/block/{block.pk}/delete/", {"post": "yes"})
    assert not Block.objects.exists()


def test_nobody_blocks_or_lifts_at_another_venue(person, venue, court, sam, soon):
    block = create_block(court, Actor.in_venue(sam, venue.pk), starts_at=soon, ends_at=soon + HOUR)
    other = Venue.objects.create(slug="other", name="Other")
    eve = person("eve", role="")
    eve.memberships.create(venue=other, role="staff")
    client = Client()
    client.force_login(eve)
    form = {"resource": court.pk, "starts_at": wall(soon), "ends_at": wall(soon + HOUR), "weeks": 1}
    assert client.post("/admin/board/other/blocks/", form).status_code == 404
    assert client.post("/admin/board/club/blocks/", form).status_code == 404
    for slug in ("club", "other"):
        assert client.post(f"/admin/board/{slug}/blocks/{block.pk}/lift/").status_code == 404
    assert client.get("/admin/api/block/").content.decode().count("Court 1") == 0
    assert Block.objects.get() == block


def test_parts_and_quantities_stand_on_the_board_and_move_as_a_whole(
    staff, venue, court, booked, ana, soon
):
    projector = Resource.objects.create(venue=venue, name="Projector")
    bikes = Resource.objects.create(venue=venue, name="Bikes", units=5)
    mine = booked(ana, others=[projector.pk])
    booked(ana, place=bikes, quantity=3)
    board = text_of(staff.get(f"/admin/board/club/?on={soon:%Y-%m-%d}"))
    assert "Ana Example + Projector" in board
    assert "Ana Example + Court 1" in board
    assert "Ana Example × 3" in board
    assert board.count("Court 1 + Projector,") == 1  # in the list of what can be moved
    week = text_of(staff.get(f"/admin/api/resource/{bikes.pk}/week/?on={soon:%Y-%m-%d}"))
    assert "09:00–10:00 3 of 5" in week
    later = soon + 2 * HOUR
    form = {"verb": "move", "booking": mine.pk, "starts_at": wall(later)}
    staff.post("/admin/bookings/move/", form | {"resource": projector.pk})
    moved = Booking.objects.get(pk=mine.pk)
    assert (moved.starts_at, moved.resource) == (later, court)
    assert set(moved.allocations.values_list("resource", flat=True)) == {court.pk, projector.pk}
    staff.post("/admin/bookings/move/", form | {"resource": bikes.pk})
    assert set(moved.allocations.values_list("resource", flat=True)) == {court.pk, projector.pk}
    page = text_of(staff.get(f"/admin/api/booking/{mine.pk}/change/"))
    assert "Court 1 + Projector" in page


def rate(number, days=(), **fields):
    row = {f"other_prices-{number}-{name}": value for name, value in fields.items()}
    return row | {f"other_prices-{number}-weekdays": list(days)}


INLINES = {
    f"{name}-{what}": 0
    for name in ("own_hours", "own_exceptions")
    for what in ("TOTAL_FORMS", "INITIAL_FORMS")
}
RESOURCE = {
    "name": "Court 1",
    "floor": 0,
    "capacity": 4,
    "units": 1,
    "is_available": "on",
    "buffer_before_0": 0,
    "buffer_before_1": 60,
    "buffer_after_0": 0,
    "buffer_after_1": 60,
    "price": "20",
}


def test_rates_are_a_table(staff, court):
    address = f"/admin/api/resource/{court.pk}/change/"
    evening = rate(0, [0, 1], opens_at="17:00", closes_at="22:00", price="45.50")
    summer = rate(1, opens_at="00:00", closes_at="00:00", first_on="2030-06-01", price="10")
    form = {**RESOURCE, **INLINES, "other_prices-rows": 5, **evening, **summer}
    done = staff.post(address, form)
    assert done.status_code == 302, done.content.decode()
    court.refresh_from_db()
    none = {"first_on": None, "last_on": None}
    assert court.rates == [
        none | {"weekdays": [0, 1], "opens_at": "17:00:00", "closes_at": "22:00:00"}
        | {"price_minor": 4550},
        none | {"weekdays": list(range(7)), "opens_at": "00:00:00", "closes_at": "00:00:00"}
        | {"first_on": "2030-06-01", "price_minor": 1000},
    ]  # fmt: skip
    shown = staff.get(address).content.decode()
    assert 'name="other_prices-0-price" value="45.50"' in shown
    assert 'name="other_prices-1-first_on" value="2030-06-01"' in shown
    wrong = rate(0, opens_at="17:00", closes_at="17:00", price="x")
    refused = staff.post(address, {**RESOURCE, **INLINES, "other_prices-rows": 1, **wrong})
    assert "Row 1, price: Enter a number." in refused.content.decode()
    assert 'value="x"' in refused.content.decode()
    assert len(Resource.objects.get(pk=court.pk).rates) == 2


def test_a_service_is_made_with_prices_in_the_currencys_own_unit(staff, venue, court):
    ticked = {"venue": venue.pk, "name": "Courts", "resources": [court.pk]}
    assert staff.post("/admin/api/pool/add/", ticked).status_code == 302
    pool = Pool.objects.get()
    form = {
        "venue": venue.pk,
        "name": "Lesson",
        "description": "",
        "buffer_before_0": 0,
        "buffer_before_1": 60,
        "buffer_after_0": 5,
        "buffer_after_1": 60,
        "durations-TOTAL_FORMS": 1,
        "durations-INITIAL_FORMS": 0,
        "durations-0-duration_0": 45,
        "durations-0-duration_1": 60,
        "durations-0-price": "35.5",
        "needs-TOTAL_FORMS": 1,
        "needs-INITIAL_FORMS": 0,
        "needs-0-pool": pool.pk,
        "needs-0-quantity": 1,
    }
    done = staff.post("/admin/api/service/add/", form)
    assert done.status_code == 302, done.content.decode()
    service = Service.objects.get()
    assert service.buffer_after == timedelta(minutes=5)
    (duration,) = service.durations.all()
    assert (duration.duration, duration.price_minor) == (timedelta(minutes=45), 3550)
    assert Need.objects.get().pool == pool
    shown = staff.get(f"/admin/api/service/{service.pk}/change/").content.decode()
    assert 'value="35.50"' in shown
