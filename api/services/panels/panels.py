"""Door panels: paired by staff, bound to one room, and what they may do there.

A token is shown once and kept as its hash. A code is typed in at the door, lives for minutes and
is good for one device.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac

from api import errors, policy
from api.lifecycle import CONFIRMED
from api.models import Booking, Panel, Resource, User
from api.policy import Rules
from api.queries.bookings import bookings as bookings_query
from api.queries.panels import panels as query
from api.queries.venues import rules as rules_query
from api.services.actors import Actor
from api.services.bookings.actions import check_in_booking, end_booking
from api.services.bookings.create import BookingRequest, create_booking
from api.services.conflicts import UNIQUE_VIOLATION, get_sqlstate

log = structlog.get_logger("holdfast.panels")

CODE_LIVES = timedelta(minutes=10)
SEEN_EVERY = timedelta(minutes=1)
PREFIX = "hfp_"
DOOR_MINUTES = (15, 30, 60)


class CodeRefused(errors.Refusal):
    code, status, detail = "code_refused", 400, "This code is not valid any more."


@dataclass(frozen=True)
class Secrets:
    """What is shown once: the token for a device, and the code that gets one."""

    panel: Panel
    token: str
    code: str = ""


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _hashed_code(code: str) -> str:
    """Keyed: six digits are soon tried out by whoever reads the table."""
    return salted_hmac("holdfast.panel", code, algorithm="sha256").hexdigest()


def create(resource: Resource, name: str, by: User) -> Secrets:
    """A new panel for that room, with its token and a code that lives for ten minutes."""
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
                    created_by=by,
                    token_hash=hashed(token),
                    code_hash=_hashed_code(code),
                    code_expires_at=Now() + CODE_LIVES,
                )
        except IntegrityError as error:
            if get_sqlstate(error) != UNIQUE_VIOLATION:
                raise
            continue  # another panel waits with the same six digits
        return Secrets(query.panel(panel.pk), token, code)


def pair(code: str, address: str = "") -> Secrets:
    """A new token for the device that brings the code; the code is used up, and a token given out
    before is not valid any more. Of two devices with one code, one is paired. Refuses
    `CodeRefused`, and `TooManyAttempts` to whoever guesses."""
    _slow_down(address)
    token = PREFIX + secrets.token_urlsafe(32)
    waiting = Panel.objects.filter(
        code_hash=_hashed_code(code), code_expires_at__gt=Now(), revoked_at=None
    )
    with transaction.atomic():
        row = waiting.select_for_update().values_list("pk", flat=True).first()
        if row is not None:
            Panel.objects.filter(pk=row).update(
                token_hash=hashed(token), code_hash=None, code_expires_at=None, paired_at=Now()
            )
    if row is None:
        _count_failure(address)
        log.warning("pairing_refused", address=address)
        raise CodeRefused
    return Secrets(query.panel(row), token)


def _slow_down(address: str) -> None:
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
    """From now on its token opens nothing; an open socket is closed within seconds."""
    changed = Panel.objects.filter(pk=pk, revoked_at=None).update(
        revoked_at=Now(), code_hash=None, code_expires_at=None
    )
    if not changed:
        raise errors.NotFound("There is no such panel.")


def authenticate(token: str) -> Panel | None:
    """The panel of this token, unless it was revoked."""
    panel: Panel | None = query.panels().filter(token_hash=hashed(token)).first()
    if panel is not None:
        seen([panel.pk])
    return panel


def seen(ids: Iterable[int]) -> None:
    """Notes that they are there, at most once a minute: cached, so most calls cost nothing."""
    fresh = [pk for pk in ids if cache.add(f"panel:{pk}:seen", 1, int(SEEN_EVERY.total_seconds()))]
    if fresh:
        Panel.objects.filter(pk__in=fresh).update(last_seen_at=Now())


# what a panel may do at its door


def meeting_at(room: int, pk: int) -> Booking:
    """The booking, if it is one of this room's; refuses `NotFound` and `Forbidden`."""
    booking = bookings_query.with_everything(pk)
    if booking.resource_id != room:
        raise errors.Forbidden("This panel belongs to another room.")
    return booking


def actor_of(panel: Panel) -> Actor:
    return Actor.panel(str(panel)[:120])


def check_in(panel: Panel, pk: int) -> Booking:
    """At the door one may be early, not late. Refuses as `bookings.check_in` does."""
    meeting_at(panel.resource_id, pk)
    return check_in_booking(pk, actor_of(panel), early=True)


def end(panel: Panel, pk: int) -> Booking:
    meeting_at(panel.resource_id, pk)
    return end_booking(pk, actor_of(panel))


def book(panel: Panel, minutes: int) -> Booking:
    """Takes the room from now on, checked in: they stand before it. In the name of whoever paired
    the panel. Refuses what the venue would not confirm at once, and as `create_booking` does."""
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
            actor=actor_of(panel),
            check=_check_at_door,
        )
        return check_in_booking(booking.pk, actor_of(panel), early=True)


def _check_at_door(
    rules: Rules, starts_at: datetime, ends_at: datetime, now: datetime, guests: int
) -> None:
    policy.check_booking(rules, starts_at, ends_at, now, guests)
    primetime = policy.is_primetime(rules, starts_at, ends_at)
    price = policy.calculate_price(rules.resource, starts_at, ends_at)
    if policy.get_initial_status(rules, primetime, price) != CONFIRMED:
        raise errors.Forbidden("This room is not given out at the door.")
