"""The five contracts, as the permission matrix asks them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db.models.functions import Now
from rest_framework.authtoken.models import Token

from api.models import (
    Booking,
    PrimetimeWindow,
    Resource,
    User,
)
from api.services.actors import Actor
from api.services.bookings.create import BookingRequest, create_booking
from api.services.panels import panels
from api.services.venues import venues

from .world import (
    HOUR,
    NEW,
    PASSWORD,
    Asked,
    Body,
    Face,
    World,
    traded,
)


def primetime(world: World) -> Face:
    site = venues.get_contract_venue("primetime")
    court = venues.get_only_resource(site, "The Court")
    window = PrimetimeWindow.objects.create(
        venue=site, weekday=0, starts_at="17:00", ends_at="18:00"
    )
    world.soon = datetime.combine(world.soon.date() + timedelta(days=3), datetime.min.time(), UTC)
    mine, theirs = world.take(world.owner, court, 9), world.take(world.asked, court, 11)
    second = world.take(world.owner, court, 13)
    got = traded(world, second, theirs, by_owner=False)
    at = {"date": f"{world.soon:%Y-%m-%d}", "start_time": "15:00", "end_time": "16:00"}
    person = {"email": "new@example.com", "password": NEW, "first_name": "N", "last_name": "P"}
    wall = {"weekday": 1, "start_time": "17:00", "end_time": "18:00"}
    offer = {"requester_reservation_id": mine.pk, "target_reservation_id": theirs.pk}
    bodies: dict[Asked, Body] = {
        ("POST", "users/register/"): person,
        ("POST", "users/login/"): {"email": world.asked.email, "password": PASSWORD},
        ("PUT", "users/{}/"): {"first_name": "X"},
        ("PATCH", "users/{}/"): {"role": "admin"},
        ("POST", "reservations/"): at,
        ("PUT", "reservations/{}/"): at,
        ("PATCH", "reservations/{}/"): {"notes": "x"},
        ("POST", "reservations/{}/approve/"): {"action": "reject", "rejection_reason": "x"},
        ("PUT", "reservations/admin/settings/"): {"slot_duration_minutes": 60},
        ("PATCH", "reservations/admin/settings/"): {"slot_duration_minutes": 60},
        ("POST", "reservations/admin/primetime/"): wall,
        ("PUT", "reservations/admin/primetime/{}/"): wall,
        ("PATCH", "reservations/admin/primetime/{}/"): {"weekday": 2},
        ("POST", "reservations/trades/"): offer,
        ("POST", "reservations/trades/{}/"): {"action": "accept"},
    }
    fill = {
        "users/": world.owner.pk,
        "reservations/": mine.pk,
        "reservations/admin/primetime/": window.pk,
        "reservations/trades/": got.pk,
    }
    return Face("primetime", "/primetime/api/", fill, bodies)


def barbershop(world: World) -> Face:
    chair = Resource.objects.create(venue=venues.get_contract_venue("barbershop"), name="Chair 1")
    mine = world.take(world.owner, chair)
    at = {
        "start_time": f"{world.soon + 5 * HOUR:%FT%TZ}",
        "end_time": f"{world.soon + 6 * HOUR:%FT%TZ}",
    }
    person = {"username": "newcomer", "password": NEW, "email": "new@example.com"}
    bodies: dict[Asked, Body] = {
        ("POST", "auth/register/"): person,
        ("POST", "auth/login/"): {"username": world.asked.username, "password": PASSWORD},
        ("POST", "auth/refresh/"): {"refresh": world.refresh("barbershop")},
        ("POST", "users/"): person,
        ("PUT", "users/{}/"): {"username": "renamed"},
        ("PATCH", "users/{}/"): {"is_admin": True},
        ("POST", "reservations/"): at,
        ("PUT", "reservations/{}/"): at,
        ("PATCH", "reservations/{}/"): {"status": "confirmed"},
    }
    fill = {"users/": world.owner.pk, "reservations/": mine.pk}
    return Face("barbershop", "/barbershop/api/", fill, bodies)


def circletime(world: World) -> Face:
    circle = venues.get_contract_venue("circletime")
    room = Resource.objects.create(venue=circle, name="Aquarium", capacity=8)
    begun = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    mine = create_booking(
        BookingRequest(
            owner=world.owner,
            resource=room.pk,
            starts_at=begun,
            ends_at=begun + HOUR,
            title="Quiet plans",
            notes="Bring the blue folder",
        ),
        actor=Actor.for_new_booking(world.owner),
    )
    door = panels.create(room, "Door", world.staff)
    world.made |= {"panel": door.token}
    new = {
        "roomId": str(room.pk),
        "title": "Standup",
        "startTime": f"{world.soon:%FT%TZ}",
        "endTime": f"{world.soon + HOUR:%FT%TZ}",
    }
    bodies: dict[Asked, Body] = {
        ("POST", "auth/login"): {"email": world.asked.email, "password": PASSWORD},
        ("POST", "auth/refresh"): {"refresh": world.refresh("circletime")},
        ("POST", "bookings"): new,
        ("PUT", "bookings/{}"): {"title": "x"},
        ("POST", "bookings/{}/extend"): {"minutes": 15},
    }
    fill = {
        "rooms/": room.pk,
        "bookings/": mine.pk,
        "panel/rooms/": room.pk,
        "panel/meetings/": mine.pk,
        "meetings/": mine.pk,
        "buildings/": ("north", 1),
    }
    query = {
        f"rooms/{room.pk}/{name}": f"date={begun:%Y-%m-%d}" for name in ("bookings", "availability")
    }
    reports = ("kpi", "utilization", "ghosting", "capacity", "heatmap", "rooms/compare", "trends",
               "ghosting/departments", "export")  # fmt: skip
    today = f"start_date={begun:%F}&end_date={begun:%F}&metric=bookings"
    query |= {f"analytics/{name}": today for name in reports}
    return Face("circletime", "/circletime/api/", fill, bodies, query)


def resources(world: World) -> Face:
    place = Resource.objects.create(
        venue=venues.get_contract_venue("resources"), name="Camera", capacity=9
    )
    mine = world.take(world.owner, place)
    at = {
        "resource": place.pk,
        "start_time": f"{world.soon + 5 * HOUR:%FT%TZ}",
        "end_time": f"{world.soon + 6 * HOUR:%FT%TZ}",
    }
    person = {"username": "newcomer", "email": "new@example.com"}
    twice = {"new_password": NEW, "re_new_password": NEW}
    bodies: dict[Asked, Body] = {
        ("POST", "auth/users/"): person | {"password": NEW},
        ("PUT", "auth/users/me/"): person,
        ("PATCH", "auth/users/me/"): {"username": "renamed"},
        ("DELETE", "auth/users/me/"): {"current_password": PASSWORD},
        ("POST", "auth/users/set_password/"): twice | {"current_password": PASSWORD},
        ("POST", "auth/users/reset_password/"): {"email": world.asked.email},
        ("POST", "auth/users/reset_password_confirm/"): twice | world.link(),
        ("POST", "auth/token/login/"): {
            "username": world.asked.username,
            "password": PASSWORD,
        },
        ("POST", "resources/"): {"name": "New"},
        ("PUT", "resources/{}/"): {"name": "New"},
        ("PATCH", "resources/{}/"): {"name": "New"},
        ("POST", "bookings/"): at,
        ("PUT", "bookings/{}/"): at,
        ("PATCH", "bookings/{}/"): {"status": "confirmed"},
        ("PUT", "profile/picture/"): {"profile_picture": "https://example.com/a.png"},
        ("PATCH", "profile/picture/"): {"profile_picture": "https://example.com/a.png"},
    }
    fill = {"auth/users/": world.owner.pk, "resources/": place.pk, "bookings/": mine.pk}

    def scheme(user: User, _: str) -> str:
        return f"Token {Token.objects.get_or_create(user=user)[0].key}"

    return Face("resources", "/resources/api/", fill, bodies, scheme=scheme)


def paidrooms(world: World) -> Face:
    """Its booking is paid, so that nobody needs to be asked for money."""
    site = venues.get_contract_venue("paidrooms")
    studio = Resource.objects.create(venue=site, name="Studio", capacity=4, price_minor=500)
    world.soon = datetime.combine(world.soon.date() + timedelta(days=5), datetime.min.time(), UTC)
    mine = world.take(world.owner, studio, 10)
    Booking.objects.filter(pk=mine.pk).update(
        status="confirmed", payment_status="succeeded", updated_at=Now()
    )
    new = {
        "room_id": studio.pk,
        "booking_date": f"{world.soon:%F}",
        "start_time": "14:00",
        "end_time": "15:00",
        "guest_count": 1,
        "user_id": world.asked.pk,
    }
    person = {"email": "new@example.com", "password": NEW, "confirm_password": NEW}
    bodies: dict[Asked, Body] = {
        ("POST", "register/"): person,
        ("POST", "login/"): {"email": world.asked.email, "password": PASSWORD},
        ("POST", "bookings/"): new,
        ("POST", "payment-intent/"): {"booking_id": mine.pk, "amount": "10.00"},
    }
    return Face("paidrooms", "/paidrooms/api/", {"bookings/": mine.pk}, bodies)
