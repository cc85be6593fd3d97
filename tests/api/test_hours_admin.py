"""Weeks and exceptions as rows on the admin's pages of venues and resources."""

from __future__ import annotations

from datetime import time

import pytest
from django.forms import MultiWidget
from django.test import Client

from api.models import Hours, HoursException, Resource, Review, Venue

pytestmark = pytest.mark.django_db
NONE = {"valid_from": "", "weekday": "", "opens_at": "", "closes_at": ""}


@pytest.fixture
def save(ada):
    """Saves a page with these rows of hours and exceptions, and answers what it shows then."""
    client = Client()
    client.force_login(ada)

    def send(page: str, hours=(), exceptions=(), **more):
        shown = client.get(page).context_data
        form = shown["adminform"].form
        typed = {}
        for name, field in form.fields.items():
            value = form[name].value()
            if isinstance(field.widget, MultiWidget):  # a number and its unit
                parts = field.widget.decompress(value)
                typed |= {f"{name}_{n}": part for n, part in enumerate(parts)}
            else:
                typed[name] = value
        names = {"hours": hours, "own_hours": hours}
        names |= {"exceptions": exceptions, "own_exceptions": exceptions}
        for formset in shown["inline_admin_formsets"]:
            prefix = formset.formset.prefix
            rows = names.get(prefix, ())
            typed |= {f"{prefix}-TOTAL_FORMS": len(rows), f"{prefix}-INITIAL_FORMS": 0}
            for n, row in enumerate(rows):
                typed |= {f"{prefix}-{n}-{name}": value for name, value in row.items()}
        typed = {name: "" if value is None else value for name, value in typed.items()} | more
        answer = client.post(page, typed, follow=True)
        return answer.content.decode() if answer.redirect_chain else answer.context_data["errors"]

    return send


def row(weekday: int, opens: str, closes: str, valid_from: str = "") -> dict:
    return {
        "valid_from": valid_from, "weekday": weekday, "opens_at": opens, "closes_at": closes,
    }  # fmt: skip


def test_rows_on_a_venues_page_are_its_week(save, venue, booked, ana):
    booking = booked(ana)
    page = f"/admin/api/venue/{venue.pk}/change/"
    saved = save(page, [row(0, "22:00", "23:00"), row(0, "23:00", "01:00")])
    assert f'href="/admin/api/booking/{booking.pk}/change/"' in saved
    assert Review.objects.get().code == "outside_hours"
    found = Hours.objects.values_list("resource", "weekday", "opens_at", "closes_at")
    assert list(found) == [(None, 0, time(22), time(23)), (None, 0, time(23), time(1))]
    venue.refresh_from_db()
    assert (venue.opens_at, venue.closes_at) == (None, None)


@pytest.mark.parametrize(
    ("hours", "told"),
    [
        ([row(0, "09:00", "12:00"), row(0, "11:00", "13:00")], "Monday 11:00-13:00: Overlaps"),
        ([row(6, "22:00", "03:00"), row(0, "02:00", "04:00")], "Monday 02:00-04:00: Overlaps"),
        ([row(0, "09:00", "09:00")], "Opens and closes at the same time"),
        ([NONE | {"weekday": 0, "valid_from": "2031-01-01"}], "none of them"),
    ],
)
def test_rows_that_cannot_be_are_refused_there(save, venue, hours, told):
    assert told in str(save(f"/admin/api/venue/{venue.pk}/change/", hours))
    assert Hours.objects.count() == 0


def test_an_exception_is_typed_as_people_write_it(save, venue):
    page = f"/admin/api/venue/{venue.pk}/change/"
    dates = {"first_on": "2031-01-01", "last_on": "2031-01-02", "reason": ""}
    later = {"first_on": "2031-01-03", "last_on": "2031-01-03", "reason": "Fair"}
    save(page, (), [dates | {"hours": ""}, later | {"hours": "09:00-12:30, 13:30 - 18:00"}])
    assert [found.spans for found in HoursException.objects.order_by("first_on")] == [
        [], [(time(9), time(12, 30)), (time(13, 30), time(18))],
    ]  # fmt: skip


@pytest.mark.parametrize("typed", ["9", "09:00-", "09:00-25:00", "09:00-12:00, 11:00-13:00"])
def test_what_is_no_hours_is_refused_there(save, venue, typed):
    dates = {"first_on": "2031-01-01", "last_on": "2031-01-01", "reason": ""}
    assert save(f"/admin/api/venue/{venue.pk}/change/", (), [dates | {"hours": typed}])
    assert HoursException.objects.count() == 0


def test_two_exceptions_on_a_date_are_refused_there(save, venue):
    dates = {"first_on": "2031-01-01", "last_on": "2031-01-02", "reason": "", "hours": ""}
    after = dates | {"first_on": "2031-01-02"}
    told = save(f"/admin/api/venue/{venue.pk}/change/", (), [dates, after])
    assert "two exceptions on 2031-01-02" in str(told)


def test_rows_on_a_resources_page_are_its_own(save, court):
    dates = {"first_on": "2031-01-01", "last_on": "2031-01-01", "reason": "", "hours": ""}
    save(f"/admin/api/resource/{court.pk}/change/", [row(0, "09:00", "12:00")], [dates])
    assert Hours.objects.get().resource == HoursException.objects.get().resource == court
    assert Hours.objects.get().venue == court.venue


def test_a_new_resource_may_have_rows_at_once(save, venue):
    more = {"venue": venue.pk, "name": "Court 2", "amenities": []}
    save("/admin/api/resource/add/", [row(0, "09:00", "12:00")], **more)
    assert Hours.objects.get().resource == Resource.objects.get(name="Court 2")


def test_a_region_without_holidays_is_refused_there(save, venue):
    page = f"/admin/api/venue/{venue.pk}/change/"
    assert "DE-BY" in str(save(page, holidays="Bavaria"))
    save(page, holidays="DE-BY")
    assert Venue.objects.get().holidays == "DE-BY"
