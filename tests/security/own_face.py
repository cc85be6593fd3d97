"""Our own API, as the permission matrix asks it."""

from __future__ import annotations

from datetime import timedelta

from api.models import (
    Block,
    Booking,
    Closure,
    Export,
    Guest,
    Hours,
    HoursException,
    Invitation,
    Need,
    Payment,
    Pool,
    PrimetimeWindow,
    Resource,
    Review,
    Service,
    ServiceDuration,
    Venue,
    WaitlistEntry,
)
from api.services.accounts import links, tokens
from api.services.accounts.keys import create_key
from api.services.panels import panels

from .world import (
    DATES,
    HOUR,
    NEW,
    PASSWORD,
    RANGE,
    Asked,
    Body,
    Face,
    World,
    end_by_no_shows,
    take_series,
    traded,
)


def own(world: World) -> Face:
    club = Venue.objects.create(slug="club", name="The Club", max_advance=timedelta(days=60))
    court = Resource.objects.create(venue=club, name="Court 1", capacity=4)
    window = PrimetimeWindow.objects.create(
        venue=club, weekday=0, starts_at="17:00", ends_at="20:00"
    )
    closure = Closure.objects.create(venue=club, first_on="2031-01-01", last_on="2031-01-01")
    member = world.owner.memberships.get(venue=club)
    invitation = Invitation.objects.create(venue=club, email="in@example.com", email_key="in@")
    days = {"first_on": "2031-01-03", "last_on": "2031-01-03"}
    other = HoursException.objects.create(venue=club, hours=[["09:00", "10:00"]], **days)
    own = HoursException.objects.create(venue=club, resource=court, **days)
    Hours.objects.create(venue=club, valid_from="2031-03-01")
    block = Block.objects.create(
        resource=court, starts_at=world.soon + 60 * HOUR, ends_at=world.soon + 61 * HOUR
    )
    mine, theirs = world.take(world.owner, court), world.take(world.asked, court, 30)
    sent = traded(world, mine, theirs, by_owner=True)
    review = Review.objects.create(booking=mine, code="closed", detail="Closed on that day.")
    second = world.take(world.owner, court, 50)
    got = traded(world, second, world.take(world.asked, court, 60), by_owner=False)
    door = panels.create(court, "Door", world.staff)
    world.made |= {"panel": door.token}
    for scope in ("read", "book", "manage"):
        key, world.made[f"{scope}_key"] = create_key(
            name=scope, venues=[club], scopes=[scope], by=world.admin
        )
    Payment.objects.create(booking=mine, amount_minor=500, currency="usd", status="canceled")
    export = Export.objects.create(
        figure="kpi",
        format="csv",
        first_on="2030-01-01",
        last_on="2030-01-02",
        venues=[club.pk],
        requested_by=world.staff,
    )
    at = {
        "starts_at": (world.soon + 5 * HOUR).isoformat(),
        "ends_at": (world.soon + 6 * HOUR).isoformat(),
    }
    here = {"booking": mine.pk}
    guest = {"name": "Gus Example", "email": "gus@example.com"}
    link = links.build_guest_token(
        world.take(Guest(*guest.values()), court, 70, title="", notes="")
    )
    offer = {"requester_booking": second.pk, "target_booking": theirs.pk}
    pool = Pool.objects.create(venue=court.venue, name="Courts")
    pool.resources.add(court)
    service = Service.objects.create(venue=court.venue, name="A game")
    ServiceDuration.objects.create(service=service, duration=HOUR)
    Need.objects.create(service=service, pool=pool)
    series = take_series(world, court, 80)
    ended = take_series(world, court, 90)
    end_by_no_shows(ended)
    offered = world.take(world.owner, court, 100)
    Booking.objects.filter(pk=offered.pk).update(
        status="offered", offer_expires_at=offered.starts_at
    )
    wished = {"from_at": theirs.starts_at, "until_at": theirs.ends_at, "duration": HOUR}
    entry = WaitlistEntry.objects.create(
        venue=club, owner=world.owner, resource=court, lapses_at=theirs.ends_at, **wished
    )
    bodies: dict[Asked, Body] = {
        ("POST", "auth/register/"): {"email": "new@example.com", "password": NEW},
        ("POST", "auth/login/"): {"email": world.asked.email, "password": PASSWORD},
        ("POST", "auth/refresh/"): {"refresh": world.refresh("v1")},
        ("POST", "auth/code/"): world.sign_in_code(),
        ("POST", "consent/"): {"text": "One"},
        ("POST", "venues/{}/consent/"): {"text": "One"},
        ("POST", "auth/password/"): {"current_password": PASSWORD, "new_password": NEW},
        ("POST", "auth/password/reset/"): {"email": world.asked.email},
        ("POST", "auth/password/reset/confirm/"): world.link() | {"new_password": NEW},
        ("PATCH", "auth/me/"): {"department": "x"},
        ("PATCH", "users/{}/"): {"is_active": False},
        ("POST", "venues/"): {"slug": "new", "name": "New"},
        ("POST", "venues/{}/members/"): {"user": world.owner.pk, "role": "staff"},
        ("PATCH", "venues/{}/members/{}/"): {"role": "staff"},
        ("PATCH", "members/{}/"): {"role": "staff"},
        ("PATCH", "venues/{}/"): {"name": "Club"},
        ("POST", "venues/{}/primetime/"): {
            "weekday": 1,
            "starts_at": "17:00",
            "ends_at": "18:00",
        },
        ("PATCH", "venues/{}/primetime/{}/"): {"weekday": 2},
        ("POST", "venues/{}/closures/"): {"first_on": "2031-02-01", "last_on": "2031-02-01"},
        ("PATCH", "venues/{}/closures/{}/"): {"last_on": "2031-01-02"},
        ("PUT", "venues/{}/hours/"): {"week": [], "from": "2031-04-01"},
        ("PUT", "resources/{}/hours/"): {"week": []},
        **{
            (method, f"{owner}/{{}}/exceptions/{row}"): {"first_on": on, "last_on": on}
            for owner in ("venues", "resources")
            for method, row, on in (("POST", "", "2031-05-01"), ("PATCH", "{}/", "2031-01-03"))
        },
        ("POST", "resources/"): {"venue": "club", "name": "New"},
        ("PATCH", "resources/{}/"): {"name": "C"},
        ("PUT", "resources/{}/rates/"): {"rates": []},
        ("POST", "pools/"): {"venue": "club", "name": "New", "resources": [court.pk]},
        ("PATCH", "pools/{}/"): {"name": "P"},
        ("POST", "services/"): {
            "venue": "club",
            "name": "New",
            "durations": [{"duration": "01:00:00"}],
            "needs": [{"pool": pool.pk}],
        },
        ("PATCH", "services/{}/"): {"name": "S"},
        ("POST", "guests/bookings/"): at | guest | {"resource": court.pk},
        ("POST", "guests/{}/move/"): at,
        ("POST", "resources/{}/blocks/"): {
            "starts_at": (world.soon + 70 * HOUR).isoformat(),
            "ends_at": (world.soon + 71 * HOUR).isoformat(),
        },
        ("POST", "bookings/"): at | {"resource": court.pk},
        ("PATCH", "bookings/{}/"): {"title": "x"},
        ("POST", "bookings/{}/extend/"): {"ends_at": (mine.ends_at + HOUR).isoformat()},
        ("POST", "bookings/approve/"): {"ids": [mine.pk]},
        ("POST", "bookings/reject/"): {"ids": [mine.pk]},
        ("POST", "bookings/{}/payment/refunds/"): {},
        ("POST", "series/"): at | {"resource": court.pk, "rule": "FREQ=DAILY;COUNT=1"},
        ("PATCH", "series/{}/"): {"scope": "all", "title": "x"},
        **{
            ("POST", f"series/{{}}/{verb}/"): {"scope": "all"}
            for verb in ("cancel", "approve", "resume")
        },
        ("POST", "waitlist/"): {
            "resource": court.pk,
            "from": second.starts_at.isoformat(),
            "until": second.ends_at.isoformat(),
            "duration": "01:00:00",
        },
        ("POST", "reviews/{}/keep/"): {"reason": "x"},
        ("POST", "reviews/{}/move/"): at | {"reason": "x"},
        ("POST", "reviews/{}/cancel/"): {"reason": "x"},
        ("POST", "trades/"): offer,
        ("POST", "keys/"): {"name": "Till", "venues": ["club"], "scopes": ["read"]},
        ("POST", "panels/"): {"resource": court.pk},
        ("POST", "panels/pair/"): {"code": door.code},
        ("POST", "panels/check-in/"): here,
        ("POST", "panels/end/"): here,
        ("POST", "panels/book/"): {"minutes": 15},
    }
    fill = {
        "users/": world.owner.pk,
        "auth/sessions/": tokens.peek(tokens.issue(world.owner).access)["sid"],
        "venues/": ("club",),
        "venues/{}/primetime/{}": ("club", window.pk),
        "venues/{}/closures/{}": ("club", closure.pk),
        "venues/{}/members/{}": ("club", member.pk),
        "venues/{}/invitations/{}": ("club", invitation.pk),
        "members/": member.pk,
        "venues/{}/exceptions/{}": ("club", other.pk),
        "resources/{}/exceptions/{}": (court.pk, own.pk),
        "resources/{}/blocks/{}": (court.pk, block.pk),
        "resources/": court.pk,
        "pools/": pool.pk,
        "services/": service.pk,
        "bookings/": mine.pk,
        "bookings/{}/accept": offered.pk,
        "bookings/{}/decline": offered.pk,
        "guests/": link,
        "series/": series.pk,
        "series/{}/resume": ended.pk,
        "waitlist/": entry.pk,
        "reviews/": review.pk,
        "trades/{}": sent.pk,
        "trades/{}/accept": got.pk,
        "trades/{}/reject": got.pk,
        "panels/{}": door.panel.pk,
        "keys/": key.pk,
        "analytics/exports/": export.pk,
    }
    query = {f"resources/{court.pk}/availability/": RANGE, f"services/{service.pk}/slots/": RANGE}
    query["venues/club/hours/"] = "from=2031-03-01"
    query |= {
        f"analytics/{name}/": DATES
        for name in ("kpi", "utilization", "ghosting", "capacity", "heat-map")
    }
    return Face("v1", "/api/v1/", fill, bodies, query)
