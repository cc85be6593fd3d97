"""The admin site: who sees what, and that nothing goes around the services."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib import admin
from django.test import Client

from api.models import Booking, BookingEvent

pytestmark = pytest.mark.django_db

PAGES = sorted(
    f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    for model in admin.site._registry
    if model._meta.app_label == "api"
)


def site(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize("page", PAGES)
def test_every_list_opens_for_the_admin(page, ada, booked, ana):
    booked(ana)
    assert site(ada).get(page).status_code == 200


def test_the_public_has_no_business_here(ana):
    assert site(ana).get("/admin/").status_code == 302
    assert Client().get("/admin/").status_code == 302


def test_staff_answer_bookings_and_do_not_change_people_or_policy(sam, ana, venue, booked):
    booking, client = booked(ana), site(sam)
    assert client.get(f"/admin/api/booking/{booking.pk}/change/").status_code == 200
    assert b'name="_save"' not in client.get(f"/admin/api/user/{ana.pk}/change/").content
    assert b'name="_save"' not in client.get(f"/admin/api/venue/{venue.pk}/change/").content
    cancel = {"action": "cancel_all", "_selected_action": [booking.pk]}
    client.post("/admin/api/booking/", cancel, follow=True)
    booking.refresh_from_db()
    assert booking.status == "cancelled"
    event = BookingEvent.objects.filter(booking=booking).latest("id")
    assert (event.verb, event.by, event.actor) == ("cancel", "staff", sam)


def fields(court, owner, start, length=1):
    end = start + timedelta(hours=length)
    return {
        "owner": owner.pk,
        "resource": court.pk,
        "starts_at_0": f"{start:%Y-%m-%d}",
        "starts_at_1": f"{start:%H:%M}",
        "ends_at_0": f"{end:%Y-%m-%d}",
        "ends_at_1": f"{end:%H:%M}",
        "title": "By phone",
        "notes": "",
        "guests": 1,
        "events-TOTAL_FORMS": 0,
        "events-INITIAL_FORMS": 0,
    }


def test_a_booking_made_in_the_admin_meets_the_constraint_and_has_its_history(
    ada, ana, court, soon
):
    client = site(ada)
    made = client.post("/admin/api/booking/add/", fields(court, ana, soon))
    assert made.status_code == 302, made.content
    booking = Booking.objects.get()
    assert (booking.owner, booking.contract, booking.status) == (ana, "admin", "confirmed")
    refused = client.post("/admin/api/booking/add/", fields(court, ana, soon))
    assert "The slot is already booked." in refused.content.decode()
    assert Booking.objects.count() == 1


def test_a_booking_moved_in_the_admin_is_rescheduled_by_the_service(ada, ana, court, booked, soon):
    booking, later = booked(ana), soon + timedelta(hours=3)
    page = f"/admin/api/booking/{booking.pk}/change/"
    assert site(ada).post(page, fields(court, ana, later)).status_code == 302
    booking.refresh_from_db()
    assert booking.starts_at == later
    assert list(booking.events.values_list("verb", flat=True)) == ["reschedule", "book"]


def test_history_can_be_read_and_not_written(ada, ana, booked):
    booked(ana)
    event = BookingEvent.objects.get()
    client = site(ada)
    page = client.get(f"/admin/api/bookingevent/{event.pk}/change/")
    assert page.status_code == 200
    assert b'name="_save"' not in page.content
    assert client.get("/admin/api/bookingevent/add/").status_code == 403


def test_a_booking_is_listed_and_opened_with_the_time_on_the_venues_wall(
    ada, ana, booked, venue, court
):
    """And by the clock of 24 hours; what is typed is the venue's too, and the page says so."""
    venue.time_zone = "Asia/Kolkata"
    venue.save()
    booking = booked(ana)
    start = datetime(2031, 3, 5, 18, 0, tzinfo=UTC)
    moved = {"starts_at": start, "ends_at": start + timedelta(hours=1), "completes_at": start}
    Booking.objects.filter(pk=booking.pk).update(**moved)
    client = site(ada)
    listed = client.get("/admin/api/booking/").content.decode()
    assert "Wed 5 Mar 2031 23:30–Thu 6 Mar 00:30" in listed
    page = client.get(f"/admin/api/booking/{booking.pk}/change/").content.decode()
    assert "Wed 5 Mar 2031 23:30–Thu 6 Mar 00:30" in page
    assert "Times are the venue's, in Asia/Kolkata." in page
    assert 'value="23:30:00"' in page
    assert "5 Mar 2031 23:30" in page  # completes at
    assert not re.search(r"\d [ap]\.m\.", listed + page)


def test_a_zone_changed_in_the_admin_moves_no_booking_and_lists_those_to_review(
    ada, ana, booked, venue, soon
):
    before, after = booked(ana), booked(ana, hours=2)
    Booking.objects.filter(pk=after.pk).update(status="cancelled")
    client, page = site(ada), f"/admin/api/venue/{venue.pk}/change/"
    shown = client.get(page).context_data
    form = shown["adminform"].form
    typed = {}
    for name, field in form.fields.items():
        value = form[name].value()
        parts = field.widget.decompress(value) if hasattr(field.widget, "decompress") else None
        typed |= {f"{name}_{n}": part for n, part in enumerate(parts)} if parts else {name: value}
    for formset in shown["inline_admin_formsets"]:
        prefix = formset.formset.prefix
        typed |= {f"{prefix}-TOTAL_FORMS": 0, f"{prefix}-INITIAL_FORMS": 0}
    typed = {name: "" if value is None else value for name, value in typed.items()}
    saved = client.post(page, typed, follow=True)
    assert saved.redirect_chain, saved.context_data["adminform"].form.errors
    assert "do not fit any more" not in saved.content.decode()
    saved = client.post(page, typed | {"time_zone": "Asia/Tokyo"}, follow=True).content.decode()
    assert f'href="/admin/api/booking/{before.pk}/change/"' in saved
    assert "Bookings ahead that do not fit any more: 1." in saved
    detail = f"was {soon:%a %d %b %Y}, 09:00, is {soon:%a %d %b %Y}, 18:00"
    assert detail in client.get("/admin/").content.decode()
    before.refresh_from_db()
    assert before.starts_at == soon
