"""Series on the booking page: each date is shown before anything is booked, what was shown is what
is booked, and what came of it has a page of its own."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils.html import strip_tags

from api.booking_page.wording import format_times
from api.models import Booking, Delivery, Resource, Series, Venue
from api.models.venues import Approval
from api.services.accounts.consents import publish_text
from api.services.bookings import trades

from .test_services import barbers, cut
from .test_venue_page import choose, page, press, read

pytestmark = pytest.mark.django_db

__all__ = ["barbers", "choose", "cut", "page"]  # fixtures
WEEK = timedelta(weeks=1)
WEEKLY = {"repeat": "1", "times": "4"}


@pytest.fixture
def own(ana):
    client = Client()
    client.force_login(ana)
    return client


@pytest.fixture
def rows(client_of, ana, court, soon):
    sent = {
        "resource": court.pk,
        "starts_at": soon.isoformat(),
        "ends_at": soon.replace(hour=10).isoformat(),
        "rule": "FREQ=WEEKLY;COUNT=4",
    }
    pk = client_of(ana).post("/api/v1/series/", sent, format="json").json()["id"]
    return Booking.objects.filter(series=pk).order_by("recurrence_id")


def test_a_booking_says_that_it_is_one_of_a_series(own, rows, venue, booked, ana):
    page = own.get(f"/book/{venue.slug}/bookings/{rows[1].pk}/").content.decode()
    assert "It is one of a series." in page
    assert 'name="following"' in page
    assert "one of a series" in own.get(f"/book/{venue.slug}/bookings/").content.decode()
    alone = booked(ana, 5)
    page = own.get(f"/book/{venue.slug}/bookings/{alone.pk}/").content.decode()
    assert "series" not in page


def test_it_is_cancelled_alone_or_with_those_that_follow(own, rows, venue):
    path = f"/book/{venue.slug}/bookings"
    own.post(f"{path}/{rows[0].pk}/", {"action": "cancel", "reason": ""})
    assert [row.status for row in rows] == ["cancelled"] + ["confirmed"] * 3
    own.post(f"{path}/{rows[2].pk}/", {"action": "cancel", "reason": "", "following": "1"})
    assert [row.status for row in rows.all()] == ["cancelled", "confirmed"] + ["cancelled"] * 2


# booking it


@pytest.fixture
def look(own, choose):
    """What the form shows for a time, with its hidden fields, and the buttons that book."""

    def make(client=own, url=None, chosen=None, **fields):
        if url is None:
            url, chosen = choose()
        answer = press(client, url, **chosen, guests=1, **WEEKLY | fields)
        return answer, dict(list_choices(read(answer))), url, chosen

    return make


def list_choices(text):
    found = re.findall(r'name="dates" value="([^"]+)">([^<]+)<', text)
    return [(label, value) for value, label in found]


def list_dates(text):
    """Of each date that is shown its words."""
    dates = re.search(r'<ol class="dates.*?</ol>', text, re.DOTALL)
    rows = dates[0].split("<li>")[1:] if dates else []
    return [" ".join(strip_tags(row).split()) for row in rows]


def test_a_time_is_booked_every_week_once_its_dates_were_seen(own, look, ana, soon):
    answer, choices, url, chosen = look(title="Practice")
    text = read(answer)
    assert answer.status_code == 200
    assert "Nothing is booked yet" in text
    assert "All 4 times are free." in text
    days = [soon + n * WEEK for n in range(4)]
    assert list_dates(text) == [f"{on:%a} {on.day} {on:%b %Y}, 09:00 to 10:00 Free" for on in days]
    assert list(choices) == ["Book all 4"]
    assert not Booking.objects.exists()
    pressed = {**chosen, **WEEKLY, "guests": 2, "title": "Team", "dates": choices["Book all 4"]}
    answer = press(own, url, **pressed)
    series = Series.objects.get()
    there = f"/book/club/series/{series.pk}/"
    assert (answer.status_code, answer["Location"]) == (303, there)
    rows = Booking.objects.filter(series=series).order_by("starts_at")
    assert [row.starts_at for row in rows] == days
    assert {(row.owner, row.title, row.guests, row.contract) for row in rows} == {
        (ana, "Team", 2, "page")
    }
    assert press(own, url, **pressed)["Location"] == there  # pressed twice
    assert Series.objects.count() == 1
    assert [row.name for row in Delivery.objects.all()] == ["series_booked"]
    assert "4 times still to come." in read(own.get(there))


def test_it_is_asked_for_every_two_weeks_until_a_day(look, soon):
    until = soon + 5 * WEEK
    text = read(look(repeat="2", times="9", until=f"{until:%Y-%m-%d}")[0])
    assert len(list_dates(text)) == 3
    assert "Book all 3" in text


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"times": ""}, "How many times: Say how many times, or until which day."),
        ({"times": "1"}, "How many times: Ensure this value is greater than or equal to 2."),
        ({"times": "999"}, "How many times: Ensure this value is less than or equal to 366."),
        ({"until": "2026-01-01"}, "Or until this day: Choose a day after the first one."),
        ({"until": "2199-01-01"}, "At most 366 times and five years."),
        ({"repeat": "7"}, "How often: Select a valid choice."),
    ],
)
def test_what_cannot_be_repeated_so_says_why(look, fields, message):
    answer, choices, *_ = look(**fields)
    assert message in read(answer)
    assert not choices
    assert not Booking.objects.exists()


@pytest.fixture
def taken(booked, ben, soon):
    """Somebody else has the second of the dates."""
    return booked(ben, 7 * 24, title="Secret")


@pytest.mark.parametrize(
    ("label", "starts"),
    [
        ("Book the 3 that are free", {0: 0, 2: 0, 3: 0}),
        ("Book all 4, 1 at the nearest free time", {0: 0, 1: -1, 2: 0, 3: 0}),
    ],
)
def test_what_is_taken_is_left_out_or_moved_as_one_chooses(own, look, taken, soon, label, starts):
    answer, choices, url, chosen = look()
    text = read(answer)
    assert "3 of 4 times are free, 1 is taken." in text
    on = soon + WEEK
    day = f"{on:%a} {on.day} {on:%b}"
    assert f"{day}{on: %Y}, 09:00 to 10:00 Taken Nearest free time: {day}, 08:00 to 09:00" in (
        list_dates(text)
    )
    assert "Secret" not in text
    assert "Ben" not in text
    assert list(choices) == ["Book the 3 that are free", "Book all 4, 1 at the nearest free time"]
    press(own, url, **chosen, **WEEKLY, guests=1, dates=choices[label])
    rows = Booking.objects.exclude(series=None).order_by("starts_at")
    wanted = [soon + n * WEEK + timedelta(hours=hours) for n, hours in starts.items()]
    assert [row.starts_at for row in rows] == wanted


@pytest.mark.parametrize(
    ("day", "times"), [(24, "02:30 to 03:00"), (31, "02:30 (CEST) to 02:00 (CET)")]
)
def test_on_a_day_when_clocks_change_the_zone_is_named(day, times):
    """Without it `02:30 to 02:00` is read, where the hour comes twice."""
    zone = ZoneInfo("Europe/Berlin")
    start = datetime(2027, 10, day, 2, 30, tzinfo=zone)
    assert format_times(start, start.astimezone(UTC) + timedelta(minutes=30), zone) == times


def test_what_a_rule_refuses_says_which(look, venue, soon):
    on = (soon + WEEK).date()
    venue.exceptions.create(first_on=on, last_on=on, reason="Easter")
    text = read(look()[0])
    assert "3 of 4 times are free, 1 is not possible." in text
    assert (
        f"Not possible It is closed on {on:%A} {on.day} {on:%B %Y}: Easter."
        in (list_dates(text)[1])
    )


def test_dates_beyond_the_advance_limit_come_later(own, look, venue):
    Venue.objects.update(max_advance=timedelta(days=16))
    answer, choices, url, chosen = look()
    text = read(answer)
    assert "marked “Later”" in text
    assert [row.rpartition(" ")[2] for row in list_dates(text)][-1] == "Later"
    press(own, url, **chosen, **WEEKLY, guests=1, dates=choices["Book all 4"])
    text = read(own.get(f"/book/club/series/{Series.objects.get().pk}/"))
    assert "4 times still to come." in text
    assert [row.rpartition(" ")[2] for row in list_dates(text)][-1] == "Later"


def test_what_is_taken_beside_dates_for_later_is_left_out_by_name(look, taken):
    Venue.objects.update(max_advance=timedelta(days=16))
    answer, choices, *_ = look()
    assert "1 is taken" in read(answer)
    assert list(choices) == [
        "Book 3 of 4, without what is taken",
        "Book all 4, 1 at the nearest free time",
    ]


def test_nothing_is_booked_where_a_rival_came_in_between(own, look, booked, ben, soon):
    _, choices, url, chosen = look()
    booked(ben, 7 * 24)
    pressed = {**chosen, **WEEKLY, "guests": 1, "dates": choices["Book all 4"]}
    answer = press(own, url, **pressed)
    text = read(answer)
    assert answer.status_code == 409
    assert "It has changed since you looked, and nothing is booked yet." in text
    assert not Series.objects.exists()
    choices = dict(list_choices(text))
    assert "Book the 3 that are free" in choices
    answer = press(own, url, **pressed | {"dates": choices["Book the 3 that are free"]})
    assert answer.status_code == 303
    assert Booking.objects.exclude(series=None).count() == 3


@pytest.mark.parametrize("dates", ["", "skip:", "skip:nonsense", "refuse:x", "\0"])
def test_without_the_token_of_its_dates_nothing_is_booked(own, choose, court, dates):
    url, chosen = choose()
    answer = press(own, url, **chosen, **WEEKLY, guests=1, dates=dates)
    assert answer.status_code == 200
    assert "Nothing is booked yet" in read(answer)
    assert not Booking.objects.exists()


def test_the_token_of_other_dates_or_another_person_books_nothing(own, look, ben, court):
    _, choices, url, chosen = look()
    pressed = {**chosen, "guests": 1, "dates": choices["Book all 4"]}
    answer = press(own, url, **pressed, repeat="1", times="5")
    assert "Book all 5" in read(answer)
    other = Client()
    other.force_login(ben)
    assert "Book all 4" in read(press(other, url, **pressed, **WEEKLY))
    assert not Booking.objects.exists()


def test_what_is_priced_is_held_and_says_what_it_costs_in_all(own, look, court):
    Resource.objects.update(price_minor=1500)
    _, choices, url, chosen = look()
    (label,) = choices
    assert label == "Hold and pay for all 4: 60.00 USD"
    press(own, url, **chosen, **WEEKLY, guests=1, dates=choices[label])
    text = read(own.get(f"/book/club/series/{Series.objects.get().pk}/"))
    assert text.count("Pay 15.00 USD to keep it") == 4
    assert [row.name for row in Delivery.objects.filter(kind="email")] == ["series_held"]


def test_more_than_one_may_hold_is_said(look, court):
    Resource.objects.update(price_minor=1500)
    Venue.objects.update(max_open_holds=2)
    answer, choices, *_ = look()
    text = read(answer)
    assert "Nobody may hold more than 2 unpaid times at once here." in list_dates(text)[2]
    assert list(choices) == ["Hold and pay for the 2 that are free: 30.00 USD"]


def test_a_quota_is_said_of_each_date_beyond_it(look, venue):
    Venue.objects.update(max_bookings_ahead=3)
    answer, choices, *_ = look()
    assert (
        "You have as many bookings ahead as one person may here (3)."
        in (list_dates(read(answer))[3])
    )
    assert list(choices) == ["Book the 3 that are free"]


def test_where_staff_approve_it_is_asked_for(own, look, venue):
    Venue.objects.update(approval=Approval.ALWAYS)
    _, choices, url, chosen = look()
    press(own, url, **chosen, **WEEKLY, guests=1, dates=choices["Ask for all 4"])
    text = read(own.get(f"/book/club/series/{Series.objects.get().pk}/"))
    assert text.count("Awaiting approval") == 4
    assert Delivery.objects.filter(name="series_asked").exists()


def test_a_text_is_agreed_to_first(own, look, venue):
    text = publish_text(venue, "Play fair.")
    _, choices, url, chosen = look()
    pressed = {**chosen, **WEEKLY, "guests": 1, "dates": choices["Book all 4"]}
    answer = press(own, url, **pressed)
    assert answer.status_code == 400
    assert "Agree to the text below first." in read(answer)
    assert not Series.objects.exists()
    assert press(own, url, **pressed, consent=text.pk).status_code == 303


def test_a_service_is_booked_every_week_with_whom_is_wished_for(own, page, cut, barbers, soon):
    lena = barbers[0]
    chosen = {"place": f"service-{cut.pk}", "minutes": 30, "with": lena.pk, "at": soon.isoformat()}
    query = "&".join(f"{k}={str(v).replace('+', '%2B')}" for k, v in chosen.items())
    url = f"{page}new/?{query}"
    choices = dict(list_choices(read(press(own, url, **chosen, **WEEKLY))))
    (label,) = choices
    assert press(own, url, **chosen, **WEEKLY, dates=choices[label]).status_code == 303
    rows = Booking.objects.filter(service=cut)
    assert [(row.resource, row.ends_at - row.starts_at) for row in rows] == [
        (lena, timedelta(minutes=30))
    ] * 4


def test_guests_are_told_to_sign_in_for_it(choose, court):
    url, chosen = choose()
    text = read(Client().get(url))
    assert "Sign in, and book all of it at once." in text
    assert 'name="repeat"' not in text
    person = {"name": "Gus", "email": "gus@example.com", "guests": 1}
    answer = press(Client(), url, **chosen, **WEEKLY, **person)
    assert answer.status_code == 303  # once
    assert (Booking.objects.count(), Series.objects.count()) == (1, 0)


# its page


def test_the_page_of_a_series_shows_what_has_become_of_each(own, rows, booked, ana, soon):
    path = f"/book/club/series/{rows[0].series_id}/"
    own.post(f"/book/club/bookings/{rows[0].pk}/", {"action": "cancel", "reason": ""})
    at = (soon + WEEK + timedelta(hours=2)).isoformat()
    own.post(f"/book/club/bookings/{rows[1].pk}/", {"action": "move", "at": at})
    text = read(own.get(path))
    assert "Every week" in text
    assert "3 times still to come." in text
    dates = list_dates(text)
    assert [row.rpartition(" ")[2] for row in dates] == ["Cancelled", "Moved", *["Confirmed"] * 2]
    assert "11:00 to 12:00" in dates[1]
    assert path in read(own.get(f"/book/club/bookings/{rows[2].pk}/"))


def test_all_that_is_to_come_is_cancelled_on_its_page(own, rows):
    path = f"/book/club/series/{rows[0].series_id}/"
    for _ in range(2):  # the button was pressed twice
        answer = own.post(path, {"action": "cancel", "reason": "Moved away"})
        assert (answer.status_code, answer["Location"]) == (303, path)
    assert [row.status for row in rows.all()] == ["cancelled"] * 4
    text = read(own.get(path))
    assert "It is cancelled." in text
    assert "Cancel all that" not in text
    assert Delivery.objects.filter(name="series_cancelled").count() == 1


def test_nobody_elses_series_is_there(rows, ben, sam):
    path = f"/book/club/series/{rows[0].series_id}/"
    assert Client().get(path).status_code == 302
    for person in (ben, sam):
        client = Client()
        client.force_login(person)
        assert client.get(path).status_code == 404
        assert client.post(path, {"action": "cancel"}).status_code == 404
    assert Client().get("/book/club/series/999/").status_code == 302


def test_who_has_it_by_a_trade_is_led_to_no_series_and_cancels_it_alone(
    rows, venue, booked, ana, ben
):
    given, got = rows[1], booked(ben, hours=30)
    trades.accept_trade(trades.offer_trade(requester=ana, mine=given.pk, theirs=got.pk).pk, ben)
    client = Client()
    client.force_login(ben)
    path = f"/book/{venue.slug}/bookings/{given.pk}/"
    text = client.get(path).content.decode()
    assert 'name="following"' not in text
    assert "series" not in text  # the page of it is another's: 404
    assert "one of a series" not in client.get(f"/book/{venue.slug}/bookings/").content.decode()
    client.post(path, {"action": "cancel", "reason": "", "following": "1"})
    assert [row.status for row in rows.all()] == ["confirmed", "cancelled"] + ["confirmed"] * 2
