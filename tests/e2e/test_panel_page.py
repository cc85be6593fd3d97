"""The page beside the door, in a browser."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models.functions import Now
from playwright.sync_api import expect

from api.lifecycle import Status
from api.models import Booking
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking
from api.services.bookings.create import BookingRequest, create_booking
from api.services.panels import panels

pytestmark = pytest.mark.slow
AT_ONCE = 5_000  # ms: a push is seen within this
SOON = 15_000


@pytest.fixture
def meet(room):
    """A meeting that begins in so many minutes."""

    def make(owner, minutes=0, length=60, title="Standup"):
        start = datetime.now(UTC) + timedelta(minutes=minutes)
        return create_booking(
            BookingRequest(
                owner=owner,
                resource=room.pk,
                starts_at=start,
                ends_at=start + timedelta(minutes=length),
                title=title,
            ),
            actor=Actor.for_new_booking(owner),
        )

    return make


@pytest.fixture
def shown(page, site, made):
    """The page of a paired panel, live."""
    page.goto(site.url("/panel/"))
    page.evaluate("token => localStorage.setItem('holdfast.panel.token', token)", made.token)
    page.reload()
    expect(page.locator("#link")).to_have_text("Live", timeout=SOON)
    return page


def see(page, state, word, patience=AT_ONCE):
    expect(page.locator("body")).to_have_attribute("data-state", state, timeout=patience)
    expect(page.locator("#label")).to_have_text(word, timeout=patience)


def test_a_tablet_is_paired_with_the_code_by_keyboard_alone(page, site, made, room):
    page.goto(site.url("/panel/"))
    expect(page.get_by_label("Code")).to_be_focused()
    page.keyboard.type("000000" if made.code != "000000" else "000001")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").last).to_contain_text("not valid", timeout=SOON)
    page.keyboard.type(f"{made.code[:3]} {made.code[3:]}")
    page.keyboard.press("Enter")
    see(page, "available", "Free", SOON)
    expect(page.get_by_role("heading", name="Aquarium")).to_be_visible()
    expect(page.locator("#location")).to_have_text("North · 2nd floor · 8 people")
    expect(page.locator("#link")).to_have_text("Live", timeout=SOON)
    page.reload()
    see(page, "available", "Free", SOON)


def test_a_booking_is_seen_at_once_and_so_is_its_end(shown, ana, meet):
    see(shown, "available", "Free")
    booking = meet(ana)
    see(shown, "due", "Check in")
    expect(shown.locator("#title")).to_have_text("Standup")
    expect(shown.locator("#who")).to_have_text("Ana Example")
    cancel_booking(booking.pk, Actor.for_booking(ana, booking))
    see(shown, "available", "Free")


def test_one_tap_checks_in_and_one_tap_ends(shown, ana, meet):
    booking = meet(ana)
    shown.get_by_role("button", name="Check in").click(timeout=AT_ONCE)
    see(shown, "occupied", "Occupied")
    booking.refresh_from_db()
    assert booking.status == Status.CHECKED_IN
    shown.get_by_role("button", name="End meeting").click(timeout=AT_ONCE)
    see(shown, "available", "Free")
    booking.refresh_from_db()
    assert booking.status == Status.COMPLETED
    assert booking.ended_at < booking.ends_at


def test_the_room_is_taken_at_the_door_for_as_long_as_it_is_free(shown, ana, meet):
    meet(ana, minutes=40)
    expect(shown.locator("#until")).to_contain_text("until", timeout=AT_ONCE)
    expect(shown.get_by_role("button", name="Book 60 min")).to_be_hidden()
    shown.get_by_role("button", name="Book 30 min").focus()
    shown.keyboard.press("Enter")
    see(shown, "occupied", "Occupied")
    taken = Booking.objects.get(contract="panel")
    assert taken.ends_at - taken.starts_at == timedelta(minutes=30)


def test_a_refusal_is_said(shown, ana, meet):
    """Somebody else was quicker, and the page has not heard of it yet."""
    shown.evaluate("document.querySelector('#check-in').hidden = true")
    shown.route("**/panels/book/", lambda route: (meet(ana, length=15), route.continue_()))
    shown.get_by_role("button", name="Book 30 min").click()
    expect(shown.locator("#message")).to_have_text("The slot is already booked.", timeout=AT_ONCE)
    see(shown, "due", "Check in")


def test_what_time_alone_changes_is_seen(shown, ana, meet):
    booking = meet(ana)
    see(shown, "due", "Check in")
    past = {"no_show_at": Now(), "check_in_closes_at": Now()}
    Booking.objects.filter(pk=booking.pk).update(**past)
    see(shown, "available", "Free", SOON)  # nobody told: a cached state lives ten seconds


def test_without_the_server_the_room_is_unknown_and_never_free(shown, site, ana, meet):
    see(shown, "available", "Free")
    site.stop()
    see(shown, "unknown", "Unknown", SOON)
    expect(shown.locator("#link")).to_contain_text("No connection since")
    for button in shown.get_by_role("button").all():
        expect(button).to_be_hidden()
    meet(ana)
    site.start()
    see(shown, "due", "Check in", SOON)
    expect(shown.locator("#link")).to_have_text("Live", timeout=SOON)


def test_without_redis_the_page_reads_and_says_so(shown, servers, ana, meet):
    servers.valkey.stop()
    try:
        expect(shown.locator("#link")).to_contain_text("Live updates are away", timeout=SOON)
        meet(ana)
        see(shown, "due", "Check in", SOON)
    finally:
        servers.valkey.start()
    expect(shown.locator("#link")).to_have_text("Live", timeout=SOON)


def test_a_revoked_panel_asks_for_a_code_again(shown, panel):
    panels.revoke(panel.pk)
    expect(shown.locator("#pairing")).to_be_visible(timeout=SOON)
    expect(shown.locator("#pairing-message")).to_have_text("This panel was unpaired.")
    assert shown.evaluate("localStorage.length") == 0


@pytest.mark.parametrize("size", [(1280, 800), (800, 1280), (1024, 600)])
def test_nothing_of_it_is_cut_off(shown, ana, meet, size):
    shown.set_viewport_size({"width": size[0], "height": size[1]})
    meet(ana, title="Interview with the whole team about the backend, second round")
    see(shown, "due", "Check in")
    button = shown.get_by_role("button", name="Check in")
    for part in [shown.locator(f"#{name}") for name in ("room", "label", "note")] + [button]:
        box = part.bounding_box()
        assert box["x"] >= 0
        assert box["y"] >= 0
        assert box["x"] + box["width"] <= size[0]
        assert box["y"] + box["height"] <= size[1]
