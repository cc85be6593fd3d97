"""Booking every week and standing in line on the booking page, in Chromium: by keys alone, on a
telephone, in the dark, with and without JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Page, expect

from api.models import Booking, Resource, User, Venue
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking
from tests.conftest import PASSWORD
from tests.support.web import Site

from .test_booking_page import FIND_FAULTS, ana, club, follow, open_page, press_until

__all__ = ["ana", "club", "open_page"]  # fixtures


# of what nobody has pressed a key for
WATCH_SHIFTS = """
window.shift = 0;
new PerformanceObserver(list => list.getEntries().forEach(entry => {
  window.shift += entry.hadRecentInput ? 0 : entry.value;
})).observe({type: 'layout-shift', buffered: true});
"""


def sign_in(page: Page, site: Site, person: User, path: str) -> None:
    page.goto(site.url(f"/account/login/?next={quote(path)}"))
    page.get_by_label("Login").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(site.url(path))


def build_form_path(booking: Booking) -> str:
    """Of the time a week before it."""
    at = booking.starts_at - timedelta(weeks=1)
    place = booking.resource_id
    return f"/book/club/new/?place={place}&minutes=60&at={at:%Y-%m-%dT%H:%M}:00Z"


def test_a_time_is_booked_every_week_by_keys_alone(
    open_page: Callable[..., Page], site: Site, ana: User, ben: User, booked: Any
) -> None:
    """The dates are shown while one chooses, the focus stays where it was, and nothing shifts."""
    theirs = booked(ben, 7 * 24)
    page = open_page(390, 844, color_scheme="dark")
    page.add_init_script(WATCH_SHIFTS)
    sign_in(page, site, ana, build_form_path(theirs))
    press_until(page, "Tab", "#repeat_repeat")
    page.keyboard.type("Every w")
    dates = page.get_by_role("list", name="The dates").get_by_role("listitem")
    expect(dates).to_have_count(4)
    assert page.evaluate("document.activeElement.id") == "repeat_repeat"
    press_until(page, "Tab", "#repeat_times")
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("3")
    press_until(page, "Tab", "#repeat_until")
    expect(dates).to_have_count(3)
    expect(page.locator("#said")).to_have_text("2 of 3 times are free, 1 is taken.")
    expect(dates.nth(1)).to_contain_text("Nearest free time")
    assert page.evaluate("window.shift") == 0
    assert page.evaluate(FIND_FAULTS) == []
    press_until(page, "Tab", "button[name=dates][value^=nearest]")
    follow(page)
    expect(page.get_by_role("status")).to_have_text("3 times still to come.")
    assert page.evaluate(FIND_FAULTS) == []
    rows = Booking.objects.exclude(series=None).order_by("recurrence_id")
    assert [row.starts_at - row.recurrence_id for row in rows] == [
        timedelta(hours=hours) for hours in (0, -1, 0)
    ]


def test_a_time_is_booked_every_week_without_javascript(
    open_page: Callable[..., Page], site: Site, ana: User, ben: User, booked: Any
) -> None:
    theirs = booked(ben, 7 * 24)
    page = open_page(java_script_enabled=False)
    sign_in(page, site, ana, build_form_path(theirs))
    page.get_by_label("How often").select_option(label="Every week")
    page.get_by_role("button", name="Hold it and pay").click()
    expect(page.get_by_text("3 of 4 times are free, 1 is taken.").last).to_be_visible()
    assert Booking.objects.count() == 1
    page.get_by_label("How many times").fill("3")
    page.get_by_role("button", name="Hold and pay for the 3").click()  # of other dates: shown first
    page.get_by_role("button", name="Hold and pay for the 2 that are free: 30.00 USD").click()
    expect(page.get_by_text("2 times still to come.")).to_be_visible()
    assert Booking.objects.exclude(series=None).count() == 2
    page.get_by_text("Cancel all that are still to come").click()
    page.get_by_role("button", name="Cancel all 2").click()
    expect(page.get_by_text("It is cancelled.")).to_be_visible()


def test_one_waits_for_a_full_day_and_takes_what_is_offered(
    open_page: Callable[..., Page], site: Site, ana: User, ben: User, booked: Any, court: Resource
) -> None:
    Venue.objects.update(opens_at="09:00", closes_at="10:00")
    Resource.objects.update(price_minor=0)
    theirs = booked(ben)
    day = f"/book/club/?place={court.pk}&on={theirs.starts_at:%Y-%m-%d}"
    guest = open_page(java_script_enabled=False)
    guest.goto(site.url(day))
    guest.get_by_role("link", name="Wait for any time of it").click()
    expect(guest.get_by_text("Guests cannot stand in line.")).to_be_visible()
    page = open_page(390, 844, color_scheme="dark")
    sign_in(page, site, ana, day)
    page.get_by_role("link", name="Wait for any time of it").focus()
    follow(page)
    assert page.evaluate(FIND_FAULTS) == []
    press_until(page, "Tab", "button.wide")
    follow(page)
    expect(page.get_by_text("Number 1 in line")).to_be_visible()
    assert page.evaluate(FIND_FAULTS) == []
    cancel_booking(theirs.pk, Actor.for_new_booking(ben))
    page.reload()
    expect(page.get_by_text("Offered to you")).to_be_visible()
    expect(page.get_by_text("Take it or leave it by")).to_contain_text("(UTC)")
    page.get_by_role("link", name="Court 1").first.click()
    expect(page.get_by_role("heading", name="An offer to you")).to_be_visible()
    press_until(page, "Tab", "button[value=accept]")
    follow(page)
    expect(page.get_by_role("status")).to_contain_text("It is yours.")
    assert Booking.objects.get(owner=ana).status == "confirmed"
