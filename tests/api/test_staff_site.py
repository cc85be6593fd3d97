"""The staff site: its dashboard, the decisions made there, a booking's timeline and the week
of a resource. Who may see what, and that a page costs the same however much there is."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, time, timedelta
from html import unescape
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from api.admin import charts
from api.models import Booking, BookingEvent, Closure, Delivery, Payment, PrimetimeWindow, Resource
from api.models.venues import Approval
from api.queries.bookings import staff_dashboard, timeline
from api.services.actors import Actor
from api.services.bookings.actions import approve_booking, cancel_booking
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
TEMPLATES = Path(__file__).parents[2] / "api/templates"
DASHBOARD, DECIDE = "/admin/", "/admin/answer/"


def site(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text_of(answer) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


@pytest.fixture
def asked(venue):
    venue.approval = Approval.ALWAYS
    venue.save()
    return venue


# who


def test_the_staff_site_is_for_staff_and_admins(ana, sam, ada, court):
    for path in (DASHBOARD, f"/admin/api/resource/{court.pk}/week/"):
        assert [site(who).get(path).status_code for who in (ana, sam, ada)] == [302, 200, 200]
        assert Client().get(path).status_code == 302


def test_whoever_signs_in_comes_to_the_dashboard(sam):
    form = {"username": sam.email, "password": PASSWORD}
    assert Client().post("/admin/login/", form)["Location"] == DASHBOARD
    answer = Client().post("/admin/login/?next=/admin/automation/", form)
    assert answer["Location"] == "/admin/automation/"


def test_only_staff_and_admins_answer(asked, ana, ben, sam, booked):
    booking = booked(ana)
    for who in (ana, ben):
        form = {"answer": f"approve:{booking.pk}"}
        assert site(who).post(DECIDE, form)["Location"].startswith("/admin/login/")
    booking.refresh_from_db()
    assert booking.status == "pending"
    assert site(sam).post(DECIDE, {"answer": f"approve:{booking.pk}"}).status_code == 302
    booking.refresh_from_db()
    assert booking.status == "confirmed"
    event = BookingEvent.objects.filter(booking=booking).latest("id")
    assert (event.verb, event.by, event.actor) == ("approve", "staff", sam)


def test_staff_are_not_shown_the_schedule_that_admins_set(sam, ada):
    link = "/admin/django_celery_beat/periodictask/"
    assert link not in site(sam).get(DASHBOARD).content.decode()
    assert link in site(ada).get(DASHBOARD).content.decode()
    assert site(sam).get(link).status_code == 403
    assert site(ada).get(link).status_code == 200
    assert site(ada).get(f"{link}add/").status_code == 200


# the answers


def test_many_are_decided_at_once_each_with_its_own_result(asked, ana, ben, sam, booked):
    one, two, gone = booked(ana), booked(ben, 2), booked(ana, 4)
    cancel_booking(gone.pk, Actor.for_booking(ana, gone))
    client = site(sam)
    form = {"answer": "approve", "booking": [one.pk, two.pk, gone.pk]}
    answer = client.post(DECIDE, form, follow=True)
    said = re.findall(r'<li class="notice (\w+)">(.*?</ul>)</li>', answer.content.decode(), re.S)
    assert [level for level, _ in said] == ["success", "warning"]
    assert said[0][1] == (
        f"Done for 2<ul><li>Booking {one.pk}: Confirmed</li>"
        f"<li>Booking {two.pk}: Confirmed</li></ul>"
    )
    assert f"<li>Booking {gone.pk}: " in said[1][1]
    gone.refresh_from_db()
    assert gone.status == "cancelled"


def test_one_is_rejected_by_its_button_whatever_is_ticked(asked, ana, sam, booked):
    ticked, meant = booked(ana), booked(ana, 2)
    site(sam).post(DECIDE, {"answer": f"reject:{meant.pk}", "booking": [ticked.pk]})
    assert [Booking.objects.get(pk=b.pk).status for b in (ticked, meant)] == ["pending", "rejected"]


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"answer": "approve"},
        {"answer": "cancel:1"},
        {"answer": "approve:x"},
        {"answer": "approve", "booking": ["²"]},
        {"answer": "approve:99999999999999999999999"},
    ],
)
def test_an_answer_that_makes_no_sense_changes_nothing(asked, ana, sam, booked, form):
    booking = booked(ana)
    answer = site(sam).post(DECIDE, form, follow=True)
    assert answer.status_code == 200
    assert 'class="notice' in answer.content.decode()
    booking.refresh_from_db()
    assert booking.status == "pending"


def test_the_list_of_bookings_answers_in_bulk_through_the_same_services(asked, ana, sam, booked):
    one, two = booked(ana), booked(ana, 2)
    form = {"action": "approve_all", "_selected_action": [one.pk, two.pk]}
    answer = site(sam).post("/admin/api/booking/", form, follow=True)
    assert f"Booking {one.pk}: Confirmed" in text_of(answer)
    assert set(Booking.objects.values_list("status", flat=True)) == {"confirmed"}


# the first page


def began_today(booking, status="confirmed"):
    """Moved to the venue's today, which is UTC's, around noon: past the services, as time does."""
    noon = datetime.combine(datetime.now(UTC).date(), time(12), UTC)
    hour = timedelta(hours=1)
    fields = {"starts_at": noon, "ends_at": noon + hour, "completes_at": noon + 99 * hour}
    Booking.objects.filter(pk=booking.pk).update(status=status, **fields)


def test_today_counts_what_begins_on_the_venues_own_date(venue, ana, sam, booked):
    today, _tomorrow = booked(ana), booked(ana, 2)
    began_today(today)
    [place] = staff_dashboard.list_venues_today(sam)
    assert place.venue == venue
    assert (place.bookings, place.under_way + place.to_come, place.missed) == (1, 1, 0)
    began_today(today, "no_show")
    [place] = staff_dashboard.list_venues_today(sam)
    assert (place.bookings, place.under_way + place.to_come, place.missed) == (1, 0, 1)
    assert place.next == []
    began_today(today, "cancelled")
    [place] = staff_dashboard.list_venues_today(sam)
    assert (place.bookings, place.next) == (0, [])


def test_a_request_that_lapsed_is_not_waiting_whatever_the_sweeper_did(asked, ana, sam, booked):
    one, two = booked(ana), booked(ana, 2)
    Booking.objects.filter(pk=two.pk).update(lapses_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert staff_dashboard.list_requests(sam) == ([one], 1)


def test_the_charts_count_days_and_no_shows(venue, court, ana, booked):
    one, two = booked(ana), booked(ana, 2)
    began_today(one, "no_show")
    found = staff_dashboard.get_recent_days(None)
    counts = {count.on: (count.bookings, count.no_shows) for count in found.days}
    assert counts[found.today] == (1, 1)
    assert counts[two.starts_at.date()] == (1, 0)
    assert len(found.days) == 35
    assert [len(row) for row in found.heat] == [24] * 7
    assert {share for row in found.heat for share in row} == {0.0}


def test_the_charts_are_what_the_library_reads(asked, court, ana, sam, booked):
    began_today(booked(ana), "no_show")
    page = site(sam).get(DASHBOARD).content.decode()
    found = re.findall(r'<canvas class="chart"  data-type="bar" data-value="([^"]+)"', page)
    bookings, no_shows = (json.loads(unescape(text)) for text in found)
    assert len(bookings["labels"]) == len(bookings["datasets"][0]["data"]) == 35
    assert bookings["datasets"][0]["data"][27:29] == [1, 0]
    assert bookings["datasets"][0]["backgroundColor"][27:29] == [charts.PAST, charts.AHEAD]
    assert no_shows["datasets"][0]["data"][-1] == 100
    assert page.count('class="level-') == 7 * 24


def test_an_hour_in_which_nothing_is_open_has_no_utilization(venue, court):
    venue.opens_at, venue.closes_at, venue.closed_weekdays = time(9), time(17), [6]
    venue.save()
    heat = staff_dashboard.get_recent_days(None).heat
    assert heat[0][8:18] == [None, *[0.0] * 8, None]
    assert heat[6] == [None] * 24


def test_the_first_page_shows_all_of_it(asked, ana, sam, booked):
    booking = booked(ana)
    page = text_of(site(sam).get(DASHBOARD))
    for words in (
        "Requests waiting 1",
        "The Club",
        "Bookings per day",
        "No-show rate",
        "expire_holds",
    ):
        assert words in page
    assert f"{booking.pk}" in page


def test_the_first_page_costs_the_same_however_much_there_is(asked, ana, sam, booked, court):
    client = site(sam)
    booked(ana)
    client.get(DASHBOARD)  # what Django reads once and keeps
    cache.clear()
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(DASHBOARD)
    other = Resource.objects.create(venue=court.venue, name="Court 2", capacity=4)
    for hours in range(1, 12):
        booked(ana, hours)
        began_today(booked(ana, hours, place=other), "confirmed") if hours == 1 else None
    cache.clear()
    with CaptureQueriesContext(connection) as many:
        client.get(DASHBOARD)
    assert len(many) <= len(few) + 1  # the bookings that are next, once there are some
    with CaptureQueriesContext(connection) as kept:
        client.get(DASHBOARD)
    assert len(kept) < len(many)


# the timeline


def test_a_timeline_has_history_emails_and_payments_in_order(asked, ana, sam, booked):
    booking = booked(ana)
    approve_booking(booking.pk, Actor.for_booking(sam, booking))
    Delivery.objects.filter(to=ana.email, key__contains="approve").update(
        state="parked", last_error="550 no such box", attempts=8, request_id="edge-7"
    )
    Payment.objects.create(
        booking=booking, intent_id="pi_1", amount_minor=1250, currency="usd", status="succeeded"
    )
    lines = timeline.list_timeline(booking)
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    told = {(line.kind, line.title, line.state) for line in lines}
    assert {
        ("event", "book", "done"),
        ("event", "approve", "done"),
        ("payment", "payment of 12.50 USD", "done"),
    } <= told
    assert lines[0].title == "book"
    page = text_of(site(sam).get(f"/admin/api/booking/{booking.pk}/change/"))
    for words in ("What happened", "pending → confirmed", "Sam Example (staff)", "pi_1"):
        assert words in page
    [parked] = [line for line in lines if line.state == "bad"]
    assert (parked.kind, parked.who, parked.cause) == ("email", ana.email, "edge-7")
    assert parked.text == "parked · 8 attempts · 550 no such box"


def test_a_timeline_costs_five_statements(ana, booked, django_assert_num_queries):
    booking = booked(ana)
    with django_assert_num_queries(5):
        timeline.list_timeline(booking)


# the week


def test_a_week_shows_hours_primetime_closures_and_bookings(venue, court, ana, sam, booked):
    booking = booked(ana)  # at any hour; what the week shows is said below
    on = booking.starts_at.date()
    venue.opens_at, venue.closes_at = time(8), time(20)
    venue.save()
    Booking.objects.filter(pk=booking.pk).update(
        starts_at=datetime.combine(on, time(10, 30), UTC),
        ends_at=datetime.combine(on, time(12), UTC),
    )
    PrimetimeWindow.objects.create(
        venue=venue, weekday=on.weekday(), starts_at=time(17), ends_at=time(19)
    )
    page = site(sam).get(f"/admin/api/resource/{court.pk}/week/?on={on}").content.decode()
    assert f"/admin/api/booking/{booking.pk}/change/" in page
    # the first row is 7 o'clock, two quarters before opening, on the whole hour
    assert re.search(r'class="open from-5 to-53"', page)
    assert re.search(r'class="primetime from-41 to-49"', page)
    assert re.search(r'class="taken s-confirmed from-15 to-21"', page)
    assert "<time>10:30–12:00</time> Ana Example" in page
    Closure.objects.create(venue=venue, first_on=on, last_on=on, reason="New floor")
    assert (
        "New floor"
        in site(sam).get(f"/admin/api/resource/{court.pk}/week/?on={on}").content.decode()
    )


@pytest.mark.parametrize("query", ["on=x", "on=0001-01-01", "on=9999-12-31", "on=2026-13-01"])
def test_a_week_that_is_none_is_not_there(sam, court, query):
    assert site(sam).get(f"/admin/api/resource/{court.pk}/week/?{query}").status_code == 404
    assert site(sam).get("/admin/api/resource/999999/week/").status_code == 404
    assert site(sam).get("/admin/api/resource/x/week/").status_code == 404


def test_a_week_costs_the_same_however_full_it_is(venue, court, ana, sam, booked):
    client, path = site(sam), f"/admin/api/resource/{court.pk}/week/"
    path += f"?on={booked(ana).starts_at.date()}"
    client.get(path)
    with CaptureQueriesContext(connection) as few:
        client.get(path)
    for hours in range(1, 9):
        booked(ana, hours)
    with CaptureQueriesContext(connection) as many:
        client.get(path)
    assert len(many) == len(few)


def test_pages_take_nothing_from_elsewhere(asked, court, ana, sam, booked):
    booking = booked(ana)
    for path in (
        DASHBOARD,
        f"/admin/api/resource/{court.pk}/week/",
        f"/admin/api/booking/{booking.pk}/change/",
        "/admin/automation/",
        "/admin/login/",
    ):
        page = Client() if "login" in path else site(sam)
        assert (
            re.findall(r'(?:src|href|action)="(?:https?:)?//', page.get(path).content.decode())
            == []
        )


def test_what_holdfast_adds_has_no_script_and_no_style_within_a_page():
    """So that a Content-Security-Policy makes exceptions for unfold alone."""
    ours = [*TEMPLATES.rglob("admin/*.html"), *TEMPLATES.rglob("staff/*.html")]
    assert len(ours) == 12
    for template in ours:
        assert not re.search(
            r"<script(?! src=)|<style| style=| on\w+=|https?://", template.read_text()
        ), template
