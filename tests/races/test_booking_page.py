"""One time on the booking page, wanted by many at the same moment."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from api.models import Booking, Resource, Series
from tests.support.kinds import KINDS, make_kind

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = 6


# several places at once are not offered on the page
ONE_PLACE = [name for name in KINDS if not name.startswith("set")]


@pytest.fixture
def form(bookable, soon):
    place = f"service-{bookable.service.pk}" if bookable.service else bookable.first.pk
    times = {"minutes": 60, "at": soon.isoformat()}
    return times | {"place": place, "quantity": bookable.quantity, "guests": bookable.quantity}


@pytest.fixture
def press(at_once):
    """The answers to these people's presses of the button at the same moment."""

    def make(people, form):
        clients = []
        for person in people:
            clients.append(Client())
            clients[-1].force_login(person)
        return at_once(*(lambda c=client: c.post("/book/club/new/", form) for client in clients))

    return make


@pytest.mark.parametrize("kind_name", ONE_PLACE)
def test_one_of_many_presses_gets_the_time_and_the_others_get_buttons(person, press, form, soon):
    """The exclusion constraint decides; without it (seen by dropping it) all six redirect."""
    answers = press([person(f"p{number}") for number in range(PEOPLE)], form)
    assert sorted(answer.status_code for answer in answers) == [303] + [409] * (PEOPLE - 1)
    lost = [answer.content.decode() for answer in answers if answer.status_code == 409]
    assert all("Free instead" in text for text in lost)
    booking = Booking.objects.get()
    assert booking.ends_at == soon + timedelta(hours=1)


@pytest.mark.parametrize("kind_name", [name for name in ONE_PLACE if name != "units"])  # below
def test_two_presses_of_one_person_are_one_booking(ana, press, form):
    """Seen to fail without `_find_own`: the second press is told that somebody has the time."""
    answers = press([ana] * 4, form)
    assert {(answer.status_code, answer["Location"]) for answer in answers} == {
        (303, f"/book/club/bookings/{Booking.objects.get().pk}/")
    }


@pytest.mark.parametrize("kind_name", ["units", "service"])
def test_presses_of_one_form_take_one_of_many(ana, venue, press, form, kind_name, soon):
    """Seen to fail without the form's own number: each press takes places of its own."""
    many = make_kind(kind_name, venue, fits=6)
    place = f"service-{many.service.pk}" if many.service else many.first.pk
    answers = press([ana] * 4, form | {"place": place, "once": "a" * 32})
    assert {(answer.status_code, answer["Location"]) for answer in answers} == {
        (303, f"/book/club/bookings/{Booking.objects.get().pk}/")
    }


@pytest.mark.parametrize("units", [1, 12])
def test_presses_of_the_same_dates_are_one_series(at_once, ana, venue, soon, units):
    """Seen to fail without `find_booked`: all but one are told that the times are taken, or shown
    the dates again."""
    place = Resource.objects.create(venue=venue, name="Bikes", units=units)
    clients = [Client() for _ in range(4)]
    for client in clients:
        client.force_login(ana)
    form = {"place": place.pk, "minutes": 60, "at": soon.isoformat(), "guests": 1}
    form |= {"repeat": "1", "times": "3"}
    page = clients[0].post("/book/club/new/", form).content.decode()
    (dates,) = re.findall(r'name="dates" value="([^"]+)"', page)
    press = form | {"dates": dates}
    answers = at_once(*(lambda c=client: c.post("/book/club/new/", press) for client in clients))
    assert {(answer.status_code, answer.get("Location")) for answer in answers} == {
        (303, f"/book/club/series/{Series.objects.get().pk}/")
    }
    assert Booking.objects.count() == 3
