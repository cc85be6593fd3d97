"""A venue's booking page without JavaScript: what is free and why the rest is not, booking in one's
own name and as a guest, paying, moving and cancelling, on the services of the API."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from api.models import Booking, ConsentText, Resource, Venue
from api.models.venues import Approval, Joining
from api.services.accounts import links
from api.services.accounts.consents import publish_text
from api.services.payments.local_cards import TEST_CARDS

pytestmark = pytest.mark.django_db
GOOD, DECLINED = TEST_CARDS[0][0], TEST_CARDS[2][0]


@pytest.fixture
def page(venue, court):
    return f"/book/{venue.slug}/"


@pytest.fixture
def signed_in(ana):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ana)
    return client


def read(answer):
    return answer.content.decode()


def list_times(text, taken=False):
    return re.findall(r"<s>([\d:]+)" if taken else r'<a class="slot"[^>]*><b>([\d:]+)', text)


def press(client, url, **fields):
    """Send a form of the page at that address, with the token that it has."""
    form = read(client.get(url))
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
    fields |= {"csrfmiddlewaretoken": token[1]} if token else {}
    return client.post(url.partition("?")[0], fields)


@pytest.fixture
def choose(page, court, soon):
    """The address of the form for a time, and what its hidden fields say."""

    def make(hours=0, minutes=60):
        chosen = {"place": court.pk, "minutes": minutes}
        chosen |= {"at": (soon + timedelta(hours=hours)).isoformat()}
        query = "&".join(f"{k}={str(v).replace('+', '%2B')}" for k, v in chosen.items())
        return f"{page}new/?{query}", chosen

    return make


# finding


def test_a_day_shows_what_is_free_in_the_time_of_the_venue(page, venue, court, soon):
    Venue.objects.update(time_zone="Asia/Tokyo", opens_at="08:00", closes_at="12:00")
    text = read(Client().get(page, {"on": f"{soon:%Y-%m-%d}"}))
    assert list_times(text) == ["08:00", "09:00", "10:00", "11:00"]
    assert "Times are those of Asia/Tokyo" in text
    assert f"at={soon:%Y-%m-%d}T00%3A00%3A00%2B00%3A00" in text  # nine in Tokyo


def test_what_is_not_free_says_why_and_names_nobody(page, venue, court, booked, ana, soon):
    Venue.objects.update(opens_at="08:00", closes_at="12:00", min_notice=timedelta(hours=4))
    booked(ana, title="Secret meeting")
    day = {"on": f"{soon:%Y-%m-%d}", "minutes": 120}
    text = read(Client().get(page, day))
    assert list_times(text) == ["10:00"]
    assert list_times(text, taken=True) == ["08:00", "09:00", "11:00"]
    assert text.count("<small>Taken</small>") == 2
    assert "Closes before its end" in text
    assert "It is open from 08:00 to 12:00; a booking has to fit in there." in text
    assert not re.search("Secret|Ana|ana@", text)
    far = read(Client().get(page, {"on": f"{soon + timedelta(days=90):%Y-%m-%d}"}))
    assert "Bookings are taken until" in far
    assert list_times(far) == []


def test_a_closed_day_and_a_resource_out_of_order_say_so(page, venue, court, soon):
    venue.exceptions.create(first_on=soon.date(), last_on=soon.date(), reason="Easter")
    day = {"on": f"{soon:%Y-%m-%d}"}
    assert "Closed on this day: <bdi>Easter</bdi>" in read(Client().get(page, day))
    Resource.objects.update(maintenance=True)
    assert "takes no bookings at present" in read(Client().get(page, day))
    Resource.objects.all().delete()
    assert "There is nothing to book here yet" in read(Client().get(page))


def test_a_day_on_which_clocks_change_has_its_hours_once(page, venue, court):
    Venue.objects.update(time_zone="Europe/Berlin", max_advance=None)
    spring = list_times(read(Client().get(page, {"on": "2030-03-31"})))
    assert len(spring) == 0 or "02:00" not in spring
    text = read(Client().get(page, {"on": "2030-10-27"}))
    assert "02:00 (CEST)" in text
    assert "02:00 (CET)" in text


def test_nonsense_in_the_address_is_the_first_place_today(page, court):
    for query in (
        {"on": "never", "place": "x", "minutes": "-5"},
        {"on": "9999-12-31", "place": "9" * 30, "minutes": "9" * 9},
        {"on": "2026-13-45", "minutes": "0"},
        {"place": "\0"},
    ):
        assert Client().get(page, query).status_code == 200
    assert Client().get("/book/nowhere/").status_code == 404
    assert Client().post(page).status_code == 405
    for query in ("", "?at=2030-01-01T10:00:00Z", f"?place={court.pk}&at=soon"):
        assert Client().get(f"{page}new/{query}").status_code == 404


def test_slots_of_minutes_are_thinned_out(page, venue, court, soon):
    Venue.objects.update(slot_length=timedelta(minutes=1))
    times = list_times(read(Client().get(page, {"on": f"{soon:%Y-%m-%d}"})))
    assert (len(times), times[:2]) == (96, ["00:00", "00:15"])


def test_looking_takes_a_constant_number_of_statements(
    page, venue, booked, ana, soon, django_assert_max_num_queries
):
    for number in range(5):
        place = Resource.objects.create(venue=venue, name=f"Hall {number}")
        booked(ana, place=place)
    with django_assert_max_num_queries(5):
        assert Client().get(page, {"on": f"{soon:%Y-%m-%d}"}).status_code == 200


# booking signed in


def test_a_press_books_and_a_second_one_shows_the_same_booking(signed_in, choose, ana, soon):
    url, chosen = choose()
    first = press(signed_in, url, **chosen, guests=2, title="Practice")
    second = press(signed_in, url, **chosen, guests=2)
    booking = Booking.objects.get()
    assert (booking.owner, booking.starts_at, booking.guests) == (ana, soon, 2)
    assert (booking.title, booking.contract) == ("Practice", "page")
    there = f"/book/club/bookings/{booking.pk}/"
    assert [(r.status_code, r["Location"]) for r in (first, second)] == [(303, there)] * 2
    assert "It is yours" in read(signed_in.get(there))
    assert there in read(signed_in.get("/book/club/bookings/"))


def test_a_form_without_its_token_books_nothing(signed_in, choose):
    _, chosen = choose()
    assert signed_in.post("/book/club/new/", chosen | {"guests": 1}).status_code == 403
    assert not Booking.objects.exists()


def test_who_loses_the_race_is_offered_the_nearest_times(signed_in, choose, booked, ben, ana):
    booked(ben, title="Secret")
    url, chosen = choose()
    lost = press(signed_in, url, **chosen, guests=3, title="Ours")
    text = read(lost)
    assert lost.status_code == 409
    assert "Somebody else has this time" in text
    assert 'value="Ours"' in text
    assert "Secret" not in text
    assert "Ben" not in text
    at = re.findall(r'<button class="plain" name="at" value="([^"]+)"', text)
    assert len(at) == 3
    won = press(signed_in, url, **{**chosen, "at": at[0]}, guests=3, title="Ours")
    assert won.status_code == 303
    assert Booking.objects.get(owner=ana).guests == 3


def test_refusals_of_the_policy_are_said_in_plain_words(signed_in, choose, court):
    url, chosen = choose()
    many = press(signed_in, url, **chosen, guests=40)
    assert (many.status_code, "There is room for 4 at most." in read(many)) == (400, True)
    url, chosen = choose(hours=24 * 90)
    far = press(signed_in, url, **chosen, guests=1)
    assert (far.status_code, "Bookings are taken until" in read(far)) == (400, True)
    assert not Booking.objects.exists()


def test_a_text_is_agreed_to_once(signed_in, choose, venue):
    text = publish_text(venue, "Mind <the> step.")
    url, chosen = choose()
    assert "Mind &lt;the&gt; step." in read(signed_in.get(url))
    without = press(signed_in, url, **chosen, guests=1)
    assert (without.status_code, "Agree to the text" in read(without)) == (400, True)
    assert press(signed_in, url, **chosen, guests=1, consent=text.pk).status_code == 303
    url, chosen = choose(hours=3)
    assert press(signed_in, url, **chosen, guests=1).status_code == 303
    assert ConsentText.objects.count() == 1


def test_a_venue_of_members_says_so_to_others(signed_in, choose, venue, person):
    Venue.objects.update(joining=Joining.INVITED)
    url, chosen = choose()
    stranger = Client()
    stranger.force_login(person("eve", role=""))
    for client in (stranger, Client()):
        assert "takes bookings of its members only" in read(client.get(url))
    assert stranger.post("/book/club/new/", chosen | {"guests": 1}).status_code == 403
    assert press(signed_in, url, **chosen, guests=1).status_code == 303


# one's own bookings


def test_ones_own_bookings_are_ones_own_alone(signed_in, booked, ana, ben, sam):
    mine, theirs = booked(ana), booked(ben, hours=3, title="Secret")
    assert signed_in.get(f"/book/club/bookings/{mine.pk}/").status_code == 200
    assert signed_in.get(f"/book/club/bookings/{theirs.pk}/").status_code == 404
    Venue.objects.create(slug="other", name="Other")
    assert signed_in.get(f"/book/other/bookings/{mine.pk}/").status_code == 404
    assert "Secret" not in read(signed_in.get("/book/club/bookings/"))
    refused = press(signed_in, f"/book/club/bookings/{theirs.pk}/", action="cancel")
    assert refused.status_code == 403
    assert Booking.objects.get(pk=theirs.pk).status == "confirmed"
    staff = Client()
    staff.force_login(sam)  # who sees everybody's elsewhere
    assert staff.get(f"/book/club/bookings/{mine.pk}/").status_code == 404
    for path in ("bookings/", f"bookings/{mine.pk}/"):
        sent_on = Client().get(f"/book/club/{path}")
        assert sent_on["Location"] == f"/account/login/?next=/book/club/{path}"


def test_it_is_moved_by_a_button_and_cancelled(signed_in, booked, ana, ben, soon):
    booking = booked(ana)
    booked(ben, hours=3)
    there = f"/book/club/bookings/{booking.pk}/"
    later = (soon + timedelta(hours=3)).isoformat()
    lost = press(signed_in, there, action="move", at=later)
    assert lost.status_code == 409
    offered = re.findall(r'<button class="plain" name="at" value="([^"]+)"', read(lost))
    assert press(signed_in, there, action="move", at=offered[-1]).status_code == 303
    booking.refresh_from_db()
    assert booking.starts_at.isoformat() == offered[-1]
    assert booking.ends_at - booking.starts_at == timedelta(hours=1)
    done = press(signed_in, there, action="cancel", reason="Rain")
    assert "Your booking is cancelled" in read(done)
    booking.refresh_from_db()
    assert booking.status == "cancelled"
    assert 'value="cancel"' not in read(signed_in.get(there))


def test_a_request_says_that_it_waits(signed_in, choose, venue):
    Venue.objects.update(approval=Approval.ALWAYS)
    url, chosen = choose()
    assert "Ask for it" in read(signed_in.get(url))
    done = press(signed_in, url, **chosen, guests=1)
    assert "to approve it" in read(signed_in.get(done["Location"]))


# guests


def test_a_guest_books_by_name_and_letter(choose, soon):
    url, chosen = choose()
    client = Client(enforce_csrf_checks=True)
    done = press(client, url, **chosen, guests=1, name="Gus", email="gus@example.com")
    assert (done.status_code, done["Location"]) == (303, "/book/club/sent/")
    assert "gus" not in read(client.get(done["Location"])).lower()
    booking = Booking.objects.get()
    assert (booking.status, booking.guest_email) == ("held", "gus@example.com")
    letter = f"/guests/{links.build_guest_token(booking)}/"
    assert Client().post(letter, {"action": "confirm"}).status_code == 303
    move = {"action": "move", "at": (soon + timedelta(hours=5)).isoformat()}
    assert Client().post(letter, move).status_code == 303
    booking.refresh_from_db()
    assert (booking.status, booking.starts_at) == ("confirmed", soon + timedelta(hours=5))
    assert Client().post(letter, {"action": "cancel"}).status_code == 200
    assert Client().get(letter).status_code == 404


def test_a_guest_is_told_nothing_of_who_has_the_time(choose, booked, ana):
    booked(ana)
    url, chosen = choose()
    same = press(Client(), url, **chosen, guests=1, name="A", email=ana.email)
    other = press(Client(), url, **chosen, guests=1, name="A", email="gus@example.com")
    assert (same.status_code, other.status_code) == (409, 409)


def test_what_a_guest_forgets_is_said_beside_it(choose):
    url, chosen = choose()
    text = read(press(Client(), url, **chosen, guests=1, name="", email="no address"))
    assert text.count('<span class="error"') == 2
    assert not Booking.objects.exists()


def test_where_guests_do_not_book_the_page_leads_to_signing_in(choose, venue):
    Venue.objects.update(guests=False)
    url, chosen = choose()
    text = read(Client().get(url))
    assert "Sign in to book here." in text
    assert 'name="email"' not in text
    sent = chosen | {"guests": 1, "name": "Gus", "email": "gus@example.com"}
    assert Client().post("/book/club/new/", sent).status_code == 400
    assert not Booking.objects.exists()


# money


@pytest.mark.django_db(transaction=True)
def test_it_is_paid_with_a_card_after_another_was_declined(line, hold, ana, settings):
    booking = hold(ana)
    client = Client()
    client.force_login(ana)
    there = f"/book/paidrooms/bookings/{booking.pk}/"
    assert "Pay 100.00 USD" in read(client.get(there))
    declined = client.post(there, {"action": "pay", "card": DECLINED})
    assert "The card was declined. Nothing was charged" in read(declined)
    assert client.post(there, {"action": "pay", "card": "1234"}).status_code == 400
    assert client.post(there, {"action": "pay", "card": GOOD}).status_code == 303
    booking.refresh_from_db()
    assert (booking.status, booking.payment_status) == ("confirmed", "succeeded")
    text = read(client.get(there))
    assert "100.00 USD, paid" in text
    assert 'name="card"' not in text


# frames and headers


def test_only_the_first_page_is_framed_and_only_by_origins_that_are_named(
    page, choose, ana, booked, settings
):
    settings.EMBED_ORIGINS = ["https://shop.example"]
    framed = Client().get(page, {"embed": "1"})
    assert "frame-ancestors https://shop.example;" in framed["Content-Security-Policy"] + ";"
    assert "X-Frame-Options" not in framed
    assert 'target="_blank" rel="noopener"' in read(framed)
    assert "Sign in" not in read(framed)
    assert not framed.cookies
    client = Client()
    client.force_login(ana)
    own = f"/book/club/bookings/{booked(ana).pk}/"
    for url in (page, f"{choose()[0]}&embed=1", f"{own}?embed=1", "/?embed=1", "/book/club/sent/"):
        answer = client.get(url)
        assert "frame-ancestors 'none'" in answer["Content-Security-Policy"], url
        assert answer["X-Frame-Options"] == "DENY", url
    settings.EMBED_ORIGINS = []
    assert Client().get(page, {"embed": "1"})["X-Frame-Options"] == "DENY"


def test_it_asks_nobody_else_for_anything_and_is_small(page, choose, signed_in, booked, ana):
    own = f"/book/club/bookings/{booked(ana).pk}/"
    for url in (page, choose(hours=3)[0], own, "/book/club/bookings/"):
        answer = signed_in.get(url)
        text = read(answer)
        assert not re.search(r"(?:src|href|action)=\"(?!/[a-z]|[?#])", text)
        assert '<link rel="stylesheet"' not in text  # content waits for no second answer
        assert len(text) < 45_000  # 51 more of htmx, on the first page alone
        assert answer["Referrer-Policy"] == "same-origin"


def test_what_is_typed_is_shown_as_text(signed_in, choose, venue):
    words = "<script>alert(1)</script>"
    Resource.objects.update(name=words, description=words)
    url, chosen = choose()
    done = press(signed_in, url, **chosen, guests=1, title=words, notes=words)
    for there in (url, done["Location"], "/book/club/", "/book/club/bookings/"):
        text = read(signed_in.get(there))
        assert "<script>" not in text
        assert "&lt;script&gt;" in text


def test_a_form_that_is_too_old_says_what_to_do(signed_in, choose):
    _, chosen = choose()
    answer = signed_in.post("/book/club/new/", chosen | {"guests": 1})
    assert (answer.status_code, "Please send it once more" in read(answer)) == (403, True)


def test_who_has_as_much_as_one_may_reads_so(signed_in, venue, choose):
    Venue.objects.update(max_bookings_ahead=1)
    url, chosen = choose()
    assert press(signed_in, url, **chosen, guests=1).status_code == 303
    url, chosen = choose(hours=2)
    page = press(signed_in, url, **chosen, guests=1)
    assert "You have as many bookings ahead as one person may here (1)." in read(page)
    assert Booking.objects.count() == 1
