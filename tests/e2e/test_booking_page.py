"""The booking page in Chromium: by keys alone, on a narrow telephone, in the dark, from right to
left, with and without JavaScript; what it weighs, and who may frame it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from playwright.sync_api import Browser, Page, expect

from api.models import Booking, Pool, Resource, Service, User, Venue
from api.services.accounts import links
from tests.conftest import PASSWORD
from tests.support.web import Site

ARABIC = "قاعة الموسيقى"

FIND_FAULTS = Path(__file__).with_name("find_faults.js").read_text()


@pytest.fixture
def club(venue: Venue, court: Resource, transactional_db: None) -> Venue:
    """Priced, so that every page there is is seen; and a place with an Arabic name."""
    Resource.objects.create(venue=venue, name=ARABIC, capacity=2)
    Resource.objects.update(price_minor=1500)
    return venue


@pytest.fixture
def cut(club: Venue) -> Service:
    """By either of two barbers, in two lengths."""
    pool = Pool.objects.create(venue=club, name="Barbers")
    names = ("Lena", "Marek")
    pool.resources.set([Resource.objects.create(venue=club, name=name) for name in names])
    service = Service.objects.create(venue=club, name="Haircut")
    for minutes, price in ((30, 2800), (45, 3500)):
        service.durations.create(duration=timedelta(minutes=minutes), price_minor=price)
    service.needs.create(pool=pool)
    return service


@pytest.fixture
def bikes(club: Venue) -> Resource:
    return Resource.objects.create(venue=club, name="Bikes", units=12, price_minor=400)


@pytest.fixture
def ana(ana: User) -> User:
    """With a password hashed as the web server has it."""
    ana.password = PBKDF2PasswordHasher().encode(PASSWORD, "salt", 1000)
    ana.save(update_fields=["password"])
    return ana


@pytest.fixture
def open_page(browser: Browser, site: Site, club: Venue) -> Iterator[Callable[..., Page]]:
    """Pages that may complain of nothing and ask nobody else for anything."""
    contexts, complaints = [], []

    def make(width: int = 360, height: int = 740, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda one: (
                None if one.url.startswith((site.url(), "data:")) else complaints.append(one.url)
            ),
        )
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


def press_until(page: Page, key: str, wanted: str) -> None:
    """Press a key until that is in focus, as whoever has no mouse does."""
    for _ in range(80):
        if page.evaluate("wanted => document.activeElement.matches(wanted)", wanted):
            return
        page.keyboard.press(key)
    raise AssertionError(f"never in focus: {wanted}")


def follow(page: Page) -> None:
    """Press Enter, and wait for the page that comes of it."""
    with page.expect_navigation():
        page.keyboard.press("Enter")


def book_by_keys(page: Page, site: Site) -> None:
    page.goto(site.url("/book/club/"))
    press_until(page, "Tab", ".skip")
    press_until(page, "Tab", "#place")
    page.keyboard.press("C")
    press_until(page, "Tab", "#day-after")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("on="))
    expect(page.locator("#day-before")).to_have_attribute("href", re.compile("on="))
    assert page.evaluate("document.activeElement.id") == "day-after"  # where one was
    press_until(page, "Tab", "a.slot")
    follow(page)
    press_until(page, "Tab", "#book_name")
    page.keyboard.type("Gus Example")
    page.keyboard.press("Tab")
    page.keyboard.type("gus@example.com")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="look at your mail")).to_be_visible()


def test_a_guest_books_confirms_moves_and_cancels_by_keys_alone(
    open_page: Callable[..., Page], site: Site
) -> None:
    page = open_page()
    book_by_keys(page, site)
    booking = Booking.objects.get()
    page.goto(site.url(f"/guests/{links.build_guest_token(booking)}/"))
    press_until(page, "Tab", "button.wide")
    follow(page)
    expect(page.get_by_role("heading", name="Pay 15.00 USD")).to_be_visible()
    press_until(page, "Tab", "#move > summary")
    page.keyboard.press("Enter")
    press_until(page, "Tab", "button.slot")
    follow(page)
    expect(page.get_by_role("status")).to_contain_text("held for you")
    moved = Booking.objects.get()
    assert moved.starts_at != booking.starts_at
    press_until(page, "Tab", "summary:has(+ form button.danger)")
    page.keyboard.press("Enter")
    press_until(page, "Tab", "button.danger")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your booking is cancelled")).to_be_visible()
    assert Booking.objects.get().status == "cancelled"


def test_it_is_booked_signed_in_without_javascript(
    open_page: Callable[..., Page], site: Site, ana: User
) -> None:
    page = open_page(java_script_enabled=False)
    page.goto(site.url("/book/club/"))
    page.get_by_label("What").select_option(label="Court 1")
    page.get_by_label("How long").select_option(label="2 h")
    page.get_by_role("button", name="Show").click()
    page.locator("#day-after").click()
    page.locator("a.slot").nth(2).click()
    page.get_by_role("link", name="Sign in").first.click()
    page.get_by_label("Login").fill(ana.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("button", name="Hold it and pay").click()
    expect(page.get_by_role("heading", name="Pay 30.00 USD")).to_be_visible()
    booking = Booking.objects.get()
    assert (booking.owner, booking.ends_at - booking.starts_at) == (ana, timedelta(hours=2))


def test_a_guest_books_a_service_by_keys_alone(
    open_page: Callable[..., Page], site: Site, cut: Service, bikes: Resource
) -> None:
    """What is asked changes with what is chosen, and the focus stays where it was."""
    page = open_page()
    page.goto(site.url(f"/book/club/?place={bikes.pk}"))
    expect(page.get_by_label("How many")).to_have_value("1")
    press_until(page, "Tab", "#place")
    page.keyboard.type("Hair")
    expect(page.get_by_label("How long")).to_contain_text("45 min, 35.00 USD")
    assert page.evaluate("document.activeElement.id") == "place"
    page.get_by_label("How long").select_option(label="45 min, 35.00 USD")
    expect(page).to_have_url(re.compile("minutes=45"))
    page.get_by_label("With", exact=True).select_option(label="Marek")
    expect(page).to_have_url(re.compile(r"with=\d"))
    press_until(page, "Tab", "#day-after")
    page.keyboard.press("Enter")
    expect(page.locator("#day-before")).to_have_attribute("href", re.compile("with="))
    expect(page.locator("a.slot").first).to_contain_text("2 free")
    press_until(page, "Tab", "a.slot")
    follow(page)
    expect(page.get_by_text("Marek, or whoever is free")).to_be_visible()
    press_until(page, "Tab", "#book_name")
    page.keyboard.type("Gus Example")
    page.keyboard.press("Tab")
    page.keyboard.type("gus@example.com")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="look at your mail")).to_be_visible()
    booking = Booking.objects.get()
    assert (booking.service, booking.resource.name) == (cut, "Marek")
    page.goto(site.url(f"/guests/{links.build_guest_token(booking)}/"))
    page.get_by_role("button", name="Confirm the booking").click()
    expect(page.get_by_role("heading", name="Pay 35.00 USD")).to_be_visible()
    page.get_by_text("Move it to another time").click()
    page.locator("button.slot").first.click()
    expect(page.get_by_role("status")).to_contain_text("held for you")
    moved = Booking.objects.get()
    assert moved.starts_at != booking.starts_at
    assert moved.ends_at - moved.starts_at == timedelta(minutes=45)


def test_units_are_booked_without_javascript(
    open_page: Callable[..., Page], site: Site, ana: User, bikes: Resource
) -> None:
    page = open_page(java_script_enabled=False)
    page.goto(site.url("/account/login/?next=/book/club/"))
    page.get_by_label("Login").fill(ana.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_label("What").select_option(label="Bikes")
    page.get_by_role("button", name="Show").click()
    page.get_by_label("How many").fill("3")
    page.get_by_role("button", name="Show").click()
    page.locator("#day-after").click()
    expect(page.locator("a.slot").first).to_contain_text("12 of 12 left")
    expect(page.locator("a.slot").first).to_contain_text("12.00 USD")
    page.locator("a.slot").nth(2).click()
    page.get_by_role("button", name="Hold it and pay").click()
    expect(page.get_by_role("heading", name="Pay 12.00 USD")).to_be_visible()
    expect(page.get_by_text("3 × Bikes").first).to_be_visible()
    booking = Booking.objects.get()
    assert (booking.quantity, booking.guests, booking.resource) == (3, 3, bikes)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1200])
@pytest.mark.parametrize("side", ["ltr", "rtl"])
def test_no_page_has_a_fault(
    open_page: Callable[..., Page], site: Site, ana: User, booked: Any, cut: Service,
    bikes: Resource, scheme: str, width: int, side: str,
) -> None:  # fmt: skip
    place = Resource.objects.get(name=ARABIC)
    booking = booked(ana, place=place)
    asked = f"place={place.pk}&minutes=60&at={booking.starts_at:%Y-%m-%dT%H:%M}:00Z"
    page = open_page(width, color_scheme=scheme)
    page.goto(site.url("/account/login/?next=/book/club/bookings/"))
    page.get_by_label("Login").fill(ana.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(site.url("/book/club/bookings/"))
    for path in (
        "/book/club/bookings/",
        f"/book/club/bookings/{booking.pk}/?on={booking.starts_at:%Y-%m-%d}",
        f"/book/club/?place={place.pk}&on={booking.starts_at:%Y-%m-%d}",
        f"/book/club/?place=service-{cut.pk}&minutes=45&on={booking.starts_at:%Y-%m-%d}",
        f"/book/club/?place={bikes.pk}&quantity=3&on={booking.starts_at:%Y-%m-%d}",
        f"/book/club/new/?{asked}",
        f"/book/club/new/?{asked}&wait=1",
        f"/book/club/wait/?place={place.pk}&on={booking.starts_at:%Y-%m-%d}",
        "/book/club/sent/",
        "/book/nowhere/",
        "/guests/1.gone/",
    ):
        page.goto(site.url(path))
        page.evaluate("side => { document.documentElement.dir = side }", side)
        assert page.evaluate(FIND_FAULTS) == [], path


def test_the_first_load_is_light_and_nothing_shifts(
    open_page: Callable[..., Page], site: Site
) -> None:
    page = open_page()
    sizes: list[int] = []
    page.on("response", lambda answer: sizes.append(len(answer.body())))
    page.add_init_script(
        "window.shift = 0; new PerformanceObserver(list => list.getEntries().forEach("
        "e => { window.shift += e.value })).observe({type: 'layout-shift', buffered: true})"
    )
    page.goto(site.url("/book/club/"), wait_until="networkidle")
    page.locator("#day-after").click()
    expect(page).to_have_url(re.compile("on="))
    assert page.evaluate("window.shift") == 0
    assert sum(sizes[:3]) < 100_000


def test_its_content_needs_one_answer(open_page: Callable[..., Page], site: Site) -> None:
    page = open_page()
    page.route("**/static/**", lambda route: route.abort())
    page.goto(site.url("/book/club/"))
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.locator(".slots").first.evaluate("e => getComputedStyle(e).display") == "grid"


@pytest.mark.parametrize(
    ("host", "path", "framed"),
    [
        ("frontend.example", "/book/club/?embed=1", True),
        ("frontend.example", "/book/club/", False),
        ("frontend.example", "/book/club/sent/?embed=1", False),
        ("stranger.example", "/book/club/?embed=1", False),
    ],
)
def test_who_is_named_may_frame_the_first_page_and_nothing_else(
    abroad: Callable[..., Page], site: Site, club: Venue, host: str, path: str, framed: bool
) -> None:
    page = abroad(host)
    with page.expect_response(lambda answer: answer.url == site.url(path)):
        page.evaluate(
            'url => { document.body.innerHTML = `<iframe src="${url}" title=Book></iframe>` }',
            site.url(path),
        )
    content = page.frame_locator("iframe").locator("main#main")
    expect(content).to_have_count(1 if framed else 0)
    if framed:  # what it leads to is a page of its own
        with page.context.expect_page() as opened:
            page.frame_locator("iframe").locator("a.slot").first.click()
        expect(opened.value.get_by_label("Name")).to_be_visible()


def test_it_begins_at_its_top(open_page: Callable[..., Page], site: Site) -> None:
    """Whatever brings the chosen day into view: once a style did, and the page with it."""
    page = open_page(1000, 640)
    page.goto(site.url("/book/club/"), wait_until="networkidle")
    assert page.evaluate("scrollY") == 0
