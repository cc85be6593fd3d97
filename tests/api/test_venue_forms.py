"""The forms of venues and resources: what an owner types is what the rules then say, and a form
that is saved as it was shown changes nothing."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.forms.models import model_to_dict
from django.test import Client

from api.admin.form_fields import DurationField, DurationWidget
from api.models import PrimetimeWindow, Resource, Venue
from api.services.venues import venues

pytestmark = pytest.mark.django_db


@pytest.fixture
def at_desk(ada):
    client = Client()
    client.force_login(ada)
    return client


class FormReader(HTMLParser):
    """What a browser would send of a page, unchanged."""

    def __init__(self) -> None:
        super().__init__()
        self.form: dict[str, list[str]] = {}
        self.name = self.area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, kind = given.get("name") or "", given.get("type") or "text"
        box = kind in ("checkbox", "radio")
        if tag in ("select", "textarea"):
            self.name, self.area = name, name if tag == "textarea" else ""
            self.form.setdefault(name, [])
        elif tag == "option" and "selected" in given:
            self.form[self.name].append(given.get("value") or "")
        elif tag == "input" and name and kind != "submit" and (not box or "checked" in given):
            value = given.get("value") or ("on" if box else "")
            self.form.setdefault(name, []).append(value)

    def handle_endtag(self, tag: str) -> None:
        self.area = "" if tag == "textarea" else self.area

    def handle_data(self, data: str) -> None:
        if self.area and data.strip():
            self.form[self.area].append(data.strip())


def read_form(text: str) -> dict[str, list[str]]:
    reader = FormReader()
    reader.feed(text)
    return {name: values for name, values in reader.form.items() if not name.startswith("_")}


def save(client: Client, path: str, **changes: object):
    form = read_form(client.get(path).content.decode())
    answer = client.post(path, {**form, **changes})
    assert answer.status_code == 302, re.findall(r"errorlist.*?</", answer.content.decode(), re.S)


@pytest.mark.parametrize("slug", venues.PRESETS)
def test_a_venue_that_is_saved_as_shown_stays_as_it_was(at_desk, slug):
    venue = venues.get_contract_venue(slug)
    before = model_to_dict(venue)
    save(at_desk, f"/admin/api/venue/{venue.pk}/change/")
    assert model_to_dict(Venue.objects.get(pk=venue.pk)) == before


def test_an_owner_types_what_they_would_say(at_desk, venue):
    path = f"/admin/api/venue/{venue.pk}/change/"
    save(
        at_desk,
        path,
        closed_weekdays=["5", "6"],
        min_notice_0="90",
        min_notice_1="60",
        max_advance_0="",
        hold_length_0="2",
        hold_length_1="3600",
        time_zone="America/Lima",
        currency="pen",
    )
    venue.refresh_from_db()
    assert venue.closed_weekdays == [5, 6]
    assert (venue.min_notice, venue.max_advance) == (timedelta(minutes=90), None)
    assert venue.hold_length == timedelta(hours=2)
    assert (venue.time_zone, venue.currency) == ("America/Lima", "pen")


def test_the_page_of_a_venue_speaks_of_no_columns(at_desk, venue):
    PrimetimeWindow.objects.create(venue=venue, weekday=4, starts_at="17:00", ends_at="19:00")
    text = at_desk.get(f"/admin/api/venue/{venue.pk}/change/").content.decode()
    assert "Saturday" in text and "America/Lima" in text
    assert not re.search(r"Grace from booking|0 is Monday|minor unit|\[DD\]|email_templates", text)


def test_a_resource_that_is_saved_as_shown_stays_as_it_was(at_desk, court):
    Resource.objects.filter(pk=court.pk).update(
        price_minor=1250, amenities=["WiFi"], own_slot_length=timedelta(minutes=45)
    )
    before = model_to_dict(Resource.objects.get(pk=court.pk))
    save(at_desk, f"/admin/api/resource/{court.pk}/change/")
    assert model_to_dict(Resource.objects.get(pk=court.pk)) == before


def test_a_price_is_in_units_and_amenities_are_ticked_or_named(at_desk, venue, court):
    Resource.objects.create(venue=venue, name="Other", amenities=["Piano"])
    path = f"/admin/api/resource/{court.pk}/change/"
    assert "Price, USD" in at_desk.get(path).content.decode()
    save(at_desk, path, price="12.50", amenities=["Piano"], more_amenities="WiFi, Piano ,")
    court.refresh_from_db()
    assert (court.price_minor, court.amenities) == (1250, ["Piano", "WiFi"])
    form = read_form(at_desk.get(path).content.decode()) | {"price": "0.001"}
    assert "no such small coins" in at_desk.post(path, form).content.decode()
    Venue.objects.filter(pk=venue.pk).update(currency="jpy")
    save(at_desk, path, price="500")
    court.refresh_from_db()
    assert court.price_minor == 500


@pytest.mark.parametrize(
    ("duration", "shown"),
    [
        (timedelta(minutes=35), [35, "60"]),
        (timedelta(days=30), [30, "86400"]),
        (timedelta(days=-1), [-1, "86400"]),
        (timedelta(seconds=90), [90, "1"]),
        (timedelta(0), [0, "60"]),
    ],
)
def test_a_duration_is_shown_in_its_largest_whole_unit(duration, shown):
    assert DurationWidget().decompress(duration) == shown
    assert DurationField().clean(list(map(str, shown))) == duration


def test_no_number_is_no_duration_where_none_is_needed():
    assert DurationField(required=False).clean(["", "60"]) is None
