"""Services, units and sets on the booking page, without JavaScript."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from django.test import Client

from api.models import Booking, Need, Pool, Resource, Service, Venue
from api.services.actors import Actor
from api.services.bookings.create import BookingRequest, create_booking
from api.services.venues.blocks import create_block
from tests.booking_page.test_venue_page import press, read

pytestmark = pytest.mark.django_db
HALF, HOUR = timedelta(minutes=30), timedelta(hours=1)


@pytest.fixture
def signed_in(ana):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ana)
    return client


@pytest.fixture
def barbers(venue):
    return [Resource.objects.create(venue=venue, name=name) for name in ("Lena", "Marek")]


@pytest.fixture
def cut(venue, barbers):
    pool = Pool.objects.create(venue=venue, name="Barbers")
    pool.resources.set(barbers)
    service = Service.objects.create(venue=venue, name="Cut", description="Wash and cut")
    service.durations.create(duration=HALF, price_minor=0)
    service.durations.create(duration=HOUR, price_minor=4000)
    Need.objects.create(service=service, pool=pool)
    return service


@pytest.fixture
def bikes(venue):
    return Resource.objects.create(venue=venue, name="Bikes", units=12, price_minor=400)


def look(venue, on, **query):
    return read(Client().get(f"/book/{venue.slug}/", {"on": f"{on:%Y-%m-%d}", **query}))


def list_slots(text):
    """The text of each slot by its time."""
    found = re.findall(r'class="slot[^>]*>(?:<b>|<s>)([\d:]+)(.*?)</(?:a|span)></li>', text)
    return {at: " ".join(re.sub("<[^>]+>", " ", rest).split()) for at, rest in found}


def new(venue, at, **query):
    chosen = {"at": at.isoformat(), **query}
    text = "&".join(f"{k}={str(v).replace('+', '%2B')}" for k, v in chosen.items())
    return f"/book/{venue.slug}/new/?{text}", chosen


def test_a_service_shows_its_durations_prices_people_and_what_is_free(
    venue, cut, barbers, booked, ana, soon
):
    Venue.objects.update(opens_at="09:00", closes_at="11:00", slot_step=HALF)
    booked(ana, place=barbers[0])
    text = look(venue, soon, place=f"service-{cut.pk}", minutes=60, **{"with": barbers[0].pk})
    assert '<option value="60" selected>1 h, 40.00 USD</option>' in text
    assert '<option value="30">30 min</option>' in text
    people = text.partition('id="with"')[2].partition("</select>")[0]
    assert re.findall(r"<option[^>]*>([^<]+)<", people) == ["Whoever is free", "Lena", "Marek"]
    assert list_slots(text) == {
        "09:00": "40.00 USD 1 free not with Lena",
        "09:30": "40.00 USD 1 free not with Lena",
        "10:00": "40.00 USD 2 free",
        "10:30": "Closes before its end",
    }
    assert "It is open from 09:00 to 11:00; a booking has to fit in there." in text


def test_a_time_at_which_nobody_is_free_is_full_and_a_block_names_no_reason(
    venue, cut, barbers, sam, soon
):
    Venue.objects.update(opens_at="09:00", closes_at="11:00", slot_step=HOUR)
    for each in barbers:
        actor = Actor.in_venue(sam, venue.pk)
        create_block(each, actor, starts_at=soon, ends_at=soon + HOUR, reason="Secret")
    text = look(venue, soon, place=f"service-{cut.pk}", minutes=60)
    assert list_slots(text) == {"09:00": "Full, wait for it", "10:00": "40.00 USD 2 free"}
    assert "Secret" not in text


def test_free_times_of_a_day_without_hours_are_listed_where_hours_are_not_enforced(
    venue, cut, court, soon
):
    Venue.objects.update(hours_enforced=False, closed_weekdays=[soon.weekday()], slot_step=HOUR)
    text = look(venue, soon, place=f"service-{cut.pk}", minutes=60)
    assert "Closed on this day" not in text
    assert len(list_slots(text)) == 24
    assert re.findall(r'aria-current="date".*?<small>(.*?)</small>', text, re.S) == ["24 free"]


def test_all_quarters_of_the_day_of_25_hours_are_listed(venue, cut):
    Venue.objects.update(time_zone="Europe/Berlin", max_advance=None)
    text = look(venue, date(2033, 10, 30), place=f"service-{cut.pk}", minutes=30)
    assert text.count('<a class="slot"') == 100


def test_hours_of_several_intervals_are_a_sentence(venue, court, soon):
    day = {"venue": venue, "weekday": soon.weekday()}
    Venue.objects.update(opens_at=None, closes_at=None)
    venue.hours.create(**day, opens_at="09:00", closes_at="12:30")
    venue.hours.create(**day, opens_at="20:00", closes_at="01:00")
    text = look(venue, soon, place=court.pk, minutes=180)
    assert "It is open from 09:00 to 12:30 and from 20:00 to 01:00 the next morning; a" in text


def test_a_service_is_booked_with_whom_is_wished_for_and_moved(
    signed_in, venue, cut, barbers, ana, soon
):
    url, chosen = new(venue, soon, place=f"service-{cut.pk}", minutes=30, **{"with": barbers[1].pk})
    form = read(signed_in.get(url))
    assert "<bdi>Marek</bdi>, or whoever is free" in form
    done = press(signed_in, url, **chosen)
    booking = Booking.objects.get()
    assert done["Location"] == f"/book/club/bookings/{booking.pk}/"
    assert (booking.service, booking.resource, booking.ends_at) == (cut, barbers[1], soon + HALF)
    page = read(signed_in.get(done["Location"]))
    assert '<h2 id="what"><bdi>Cut</bdi></h2>' in page
    assert "<dt>With</dt><dd><bdi>Marek</bdi></dd>" in page
    assert 'name="ends_at"' not in page  # the duration says it
    later = (soon + HOUR).isoformat()
    assert f'name="at" value="{later}"' in page
    assert press(signed_in, done["Location"], action="move", at=later).status_code == 303
    booking.refresh_from_db()
    assert (booking.starts_at, booking.resource) == (soon + HOUR, barbers[1])
    typed = f"{soon + 2 * HOUR:%Y-%m-%dT%H:%M}"
    moved = press(signed_in, done["Location"], action="move", starts_at=typed)
    assert moved.status_code == 303
    booking.refresh_from_db()
    assert (booking.starts_at, booking.ends_at) == (soon + 2 * HOUR, soon + 2 * HOUR + HALF)
    assert "Cut" in read(signed_in.get("/book/club/bookings/"))
    assert "cancelled" in read(press(signed_in, done["Location"], action="cancel"))


def test_units_show_how_many_are_left_and_are_booked_together(
    signed_in, venue, bikes, ana, ben, soon
):
    Venue.objects.update(opens_at="09:00", closes_at="11:00")
    request = BookingRequest(
        owner=ben, resource=bikes.pk, starts_at=soon, ends_at=soon + HOUR, quantity=9
    )
    create_booking(request, actor=Actor.for_new_booking(ben))
    three = look(venue, soon, place=bikes.pk, quantity=3)
    assert list_slots(three) == {
        "09:00": "12.00 USD 3 of 12 left",
        "10:00": "12.00 USD 12 of 12 left",
    }
    four = look(venue, soon, place=bikes.pk, quantity=4)
    assert list_slots(four)["09:00"] == "Only 3 left, wait for it"
    url, chosen = new(venue, soon, place=bikes.pk, minutes=60, quantity=3)
    form = read(signed_in.get(url))
    assert "<dt>How many</dt><dd>3</dd>" in form
    assert "12.00 USD" in form
    done = press(signed_in, url, **chosen)
    mine = Booking.objects.get(owner=ana)
    assert (mine.quantity, mine.guests, mine.price_minor) == (3, 3, 1200)
    assert "3 × Bikes" in read(signed_in.get(done["Location"]))
    assert "3 × Bikes" in read(signed_in.get("/book/club/bookings/"))
    assert list_slots(look(venue, soon, place=bikes.pk))["09:00"] == "Full, wait for it"
    full = press(signed_in, url, **chosen)
    assert (full.status_code, "Somebody else has this time" in read(full)) == (409, True)


def test_a_form_books_once_of_what_there_are_several(signed_in, venue, bikes, soon):
    """Without the form's own number the second press takes another unit."""
    url, chosen = new(venue, soon, place=bikes.pk, minutes=60)
    once = re.search(r'name="once" value="([^"]+)"', read(signed_in.get(url)))[1]
    answers = [press(signed_in, url, **chosen, once=once) for _ in range(2)]
    assert {answer["Location"] for answer in answers} == {
        f"/book/club/bookings/{Booking.objects.get().pk}/"
    }
    assert press(signed_in, url, **chosen, once="a" * 32).status_code == 303
    assert Booking.objects.count() == 2


def test_prices_by_rates_stand_at_each_slot(venue, court, soon):
    Venue.objects.update(opens_at="09:00", closes_at="11:00")
    rate = {"weekdays": [soon.weekday()], "opens_at": "10:00:00", "closes_at": "11:00:00"}
    Resource.objects.update(price_minor=1000, rates=[rate | {"price_minor": 2500}])
    text = look(venue, soon, place=court.pk)
    assert list_slots(text) == {"09:00": "10.00 USD", "10:00": "25.00 USD"}


def test_a_set_shows_all_its_parts_and_moves_where_all_are_free(
    signed_in, venue, court, booked, ana, ben, soon
):
    projector = Resource.objects.create(venue=venue, name="Projector")
    booked(ben, place=projector, hours=1)
    mine = booked(ana, others=[projector.pk])
    there = f"/book/club/bookings/{mine.pk}/"
    page = read(signed_in.get(there))
    assert "<bdi>Court 1</bdi>, <bdi>Projector</bdi>" in page
    assert f'value="{(soon + HOUR).isoformat()}"' not in page
    later = (soon + 2 * HOUR).isoformat()
    assert f'value="{later}"' in page
    assert press(signed_in, there, action="move", at=later).status_code == 303
    mine.refresh_from_db()
    assert mine.starts_at == soon + 2 * HOUR


def test_nonsense_about_services_is_the_first_one(venue, cut, court):
    for query in (
        {"place": "service-x"},
        {"place": "service-999999999999999999999"},
        {"place": f"service-{cut.pk}", "minutes": "7", "with": "x", "quantity": "-3"},
        {"place": f"service-{cut.pk}", "with": str(court.pk), "quantity": "99999"},
    ):
        text = read(Client().get("/book/club/", query))
        assert "<strong><bdi>Cut</bdi></strong>" in text
    assert Client().get(f"/book/club/new/?place=service-{cut.pk}&at=soon").status_code == 404


def test_a_service_that_nobody_serves_says_so(venue, cut, barbers, soon):
    Resource.objects.update(is_available=False)
    assert "takes no bookings at present" in look(venue, soon, place=f"service-{cut.pk}")


def test_looking_at_a_service_takes_a_constant_number_of_statements(
    venue, cut, barbers, booked, ana, soon, django_assert_max_num_queries
):
    for place in barbers:
        booked(ana, place=place)
    with django_assert_max_num_queries(7):
        look(venue, soon, place=f"service-{cut.pk}")
