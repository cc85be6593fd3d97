"""Door panels: devices that staff pair with one room, and what may be done on them.

A token is shown once and stored hashed. A pairing code is typed in at the door, is valid for ten
minutes and for one device.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac

from api import errors, policy, terms
from api.lifecycle import CONFIRMED
from api.models import Booking, Panel, Resource, User, Venue
from api.policy import Rules
from api.queries.bookings import bookings as bookings_query
from api.queries.panels import panels as query
from api.queries.venues import rules as rules_query
from api.services.actors import Actor
from api.services.bookings.actions import check_in_booking, end_booking
from api.services.bookings.create import BookingRequest, create_booking
from api.services.conflicts import UNIQUE_VIOLATION, get_sqlstate

log = structlog.get_logger("holdfast.panels")

CODE_LIFETIME = timedelta(minutes=10)
SEEN_INTERVAL = timedelta(minutes=1)
PREFIX = "hfp_"
WALK_IN_MINUTES = (15, 30, 60)


class CodeRefused(errors.Refusal):
    code, status, detail = "code_refused", 400, "This code is not valid any more."


@dataclass(frozen=True)
class Secrets:
    """What is shown once: a device's token, and the code that pairs a device."""

    panel: Panel
    token: str
    code: str = ""


def hash_token(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _hash_code(code: str) -> str:
    """Return a keyed hash: whoever reads the table could soon try out six digits."""
    return salted_hmac("holdfast.panel", code, algorithm="sha256").hexdigest()


def create(resource: Resource, name: str, created_by: User | None) -> Secrets:
    """Create a panel for the room, with its token and a pairing code."""
    spent = Panel.objects.filter(code_expires_at__lte=Now())
    spent.update(code_hash=None, code_expires_at=None)
    token = PREFIX + secrets.token_urlsafe(32)
    while True:
        code = f"{secrets.randbelow(1_000_000):06d}"
        try:
            with transaction.atomic():
                panel = Panel.objects.create(
                    resource=resource,
                    name=name,
                    created_by=created_by,
                    token_hash=hash_token(token),
                    code_hash=_hash_code(code),
                    code_expires_at=Now() + CODE_LIFETIME,
                )
        except IntegrityError as error:
            if get_sqlstate(error) != UNIQUE_VIOLATION:
                raise
            continue  # another panel waits with the same six digits
        return Secrets(query.get_panel(panel.pk), token, code)


def pair(code: str, address: str = "") -> Secrets:
    """Use the code up for a new token; the panel's former token is not valid any more.

    Of two devices with one code, one is paired. Raises `CodeRefused` and, after too many wrong
    codes from an address, `TooManyAttempts`.
    """
    _check_attempts(address)
    token = PREFIX + secrets.token_urlsafe(32)
    waiting = Panel.objects.filter(
        code_hash=_hash_code(code), code_expires_at__gt=Now(), revoked_at=None
    )
    with transaction.atomic():
        row = waiting.select_for_update().values_list("pk", flat=True).first()
        if row is not None:
            Panel.objects.filter(pk=row).update(
                token_hash=hash_token(token), code_hash=None, code_expires_at=None, paired_at=Now()
            )
    if row is None:
        _count_failure(address)
        log.warning("pairing_refused", address=address)
        raise CodeRefused
    return Secrets(query.get_panel(row), token)


def _check_attempts(address: str) -> None:
    if int(cache.get(f"failed-pairings:{address}") or 0) >= settings.FAILED_LOGINS_ALLOWED:
        window = int(settings.FAILED_LOGINS_WINDOW.total_seconds())
        raise errors.TooManyAttempts(retry_after=window)


def _count_failure(address: str) -> None:
    key = f"failed-pairings:{address}"
    cache.add(key, 0, int(settings.FAILED_LOGINS_WINDOW.total_seconds()))
    try:
        cache.incr(key)
    except ValueError:  # it expired between the two
        return


def revoke(pk: int) -> None:
    """Make its token invalid; its open WebSocket is closed within seconds."""
    changed = Panel.objects.filter(pk=pk, revoked_at=None).update(
        revoked_at=Now(), code_hash=None, code_expires_at=None
    )
    if not changed:
        raise errors.NotFound("There is no such panel.")


def authenticate(token: str) -> Panel | None:
    """Return the panel of this token, or None if there is none or it was revoked."""
    panel = query.list_panels().filter(token_hash=hash_token(token)).first()
    if panel is not None:
        record_seen([panel.pk])
    return panel


def record_seen(ids: Iterable[int]) -> None:
    """Record that they are there, at most once a minute each."""
    seconds = int(SEEN_INTERVAL.total_seconds())
    # None is an absent Redis: then every call is recorded
    fresh = [pk for pk in ids if cache.add(f"panel:{pk}:seen", 1, seconds) is not False]
    if fresh:
        Panel.objects.filter(pk__in=fresh).update(last_seen_at=Now())


def get_meeting(panel: Panel, pk: int) -> Booking:
    """Return the booking. Raises `NotFound`, and `Forbidden` for one of another room."""
    booking = bookings_query.get_booking_with_relations(pk)
    if booking.venue_id != panel.resource.venue_id:
        raise errors.NotFound
    if booking.resource_id != panel.resource_id:
        raise errors.Forbidden("This panel belongs to another room.")
    return booking


def get_actor(panel: Panel | None) -> Actor:
    """Return the actor that a panel is; None is one that its network lets in without a token."""
    return Actor.panel(str(panel)[:120] if panel else "panel on the venue's network")


def is_on_panel_network(venue: Venue, address: str) -> bool:
    """Return whether a caller at this address needs no token to be taken for a panel of the venue.
    An IPv4 address is the same when it is written as IPv6."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    found = getattr(found, "ipv4_mapped", None) or found
    return any(found in ip_network(network) for network in venue.panel_networks)


def check_in(panel: Panel, pk: int) -> Booking:
    """Check in, as early as one likes. Raises as `check_in_booking` does."""
    get_meeting(panel, pk)
    return check_in_booking(pk, get_actor(panel), early=True)


def end(panel: Panel, pk: int) -> Booking:
    get_meeting(panel, pk)
    return end_booking(pk, get_actor(panel))


def book(panel: Panel, minutes: int) -> Booking:
    """Book the room from now on for whoever paired the panel, and check in.

    Raises as `create_booking` does, and `Forbidden` where the venue would not confirm at once.
    """
    _, now = rules_query.get_rules(panel.resource_id)
    owner, starts_at = panel.created_by, now.replace(microsecond=0)
    if owner is None or not owner.is_active:
        raise errors.Forbidden("Nobody answers for this panel any more; pair it again.")
    with transaction.atomic():
        booking = create_booking(
            BookingRequest(
                owner=owner,
                resource=panel.resource_id,
                starts_at=starts_at,
                ends_at=starts_at + timedelta(minutes=minutes),
                title="Booked at the door",
                contract="panel",
            ),
            actor=get_actor(panel),
            check=_check_room,
        )
        return check_in_booking(booking.pk, get_actor(panel), early=True)


def _check_room(
    rules: Rules, starts_at: datetime, ends_at: datetime, now: datetime, guests: int
) -> None:
    policy.check_booking(rules, starts_at, ends_at, now, guests)
    primetime = policy.is_primetime(rules, starts_at, ends_at)
    price = terms.calculate_price(rules, starts_at, ends_at)
    if terms.get_initial_status(rules, primetime, price) != CONFIRMED:
        raise errors.Forbidden("This room is not given out at the door.")
