"""Bookings of guests: asked for with a name and an address, confirmed by the link of a letter, and
seen, moved, cancelled and paid by that link until they are over.

The link is signed, and opens the booking whose `guest_link` is in it: a trade or an erasure empties
that. It is no credential for anything else.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from api import errors, policy, terms
from api.effective_status import get_effective_status
from api.lifecycle import BOOKING, ActorRole
from api.models import Booking, User
from api.policy import Check
from api.queries.bookings.bookings import get_booking_with_relations
from api.queries.clock import database_now
from api.queries.venues.rules import build_rules, get_resource
from api.services.accounts import links
from api.services.accounts.joining import join
from api.services.actors import Actor
from api.services.conflicts import retry_on_conflict

from . import history
from .actions import cancel_booking, move_booking
from .changes import BookingChanges
from .create import BookingRequest, create_booking
from .quotas import check_quotas
from .reschedule import reschedule_booking
from .slots import lock_booking


def request_booking(request: BookingRequest, *, check: Check = policy.check_booking) -> Booking:
    """Hold a slot for a guest, and write to the address that they gave. Whether it has an account
    makes no difference. Refuses as `create_booking` does."""
    return create_booking(request, actor=Actor(ActorRole.GUEST), check=check)


def get_guest_booking(token: str) -> Booking:
    """The booking that the link opens; refuses `NotFound`, also when it is over."""
    pk, link = links.read_guest_token(token) or (0, "")
    booking = get_booking_with_relations(pk)
    over = get_effective_status(booking) not in BOOKING.blocking or booking.ends_at <= booking.now
    if over or booking.guest_link != link:
        raise errors.NotFound
    return booking


@retry_on_conflict
@transaction.atomic
def confirm_guest_booking(token: str) -> Booking:
    """Confirm what is held for a guest: from now on it is confirmed, waits for approval or is held
    for payment, as the venue's policy gives. It joins the account of that address, if somebody has
    verified one. Refuses `NotFound`, and `AlreadyDone` after the first time.

    Against the clock, which expires the hold, exactly one of the two wins."""
    pk = get_guest_booking(token).pk
    booking = lock_booking(pk)  # so that what is priced and approved is what is confirmed
    if booking.guest_confirmed_at is not None:
        raise errors.AlreadyDone("It is confirmed already.", current=booking.status)
    rules, now = build_rules(get_resource(booking.resource_id, retired=True)), database_now()
    status = terms.get_initial_status(rules, booking.primetime, booking.price_minor)
    times = booking.starts_at, booking.ends_at
    sets: dict[str, Any] = {**terms.calculate_deadlines(booking.venue, *times, now)}
    sets |= terms.get_payment_columns(booking.venue, status, booking.price_minor, now)
    if booking.owner_id is None and (user := _lock_account(booking.guest_key)):
        sets |= {"owner_id": user.pk, **NO_GUEST}
        join(user, booking.venue_id)
    move = BOOKING.get_transition("confirm_guest", status)
    actor = Actor.guest(booking)
    move_booking(move, pk, actor, where="guest_confirmed_at IS NULL", sets=sets)
    booking = get_booking_with_relations(pk)
    check_quotas(booking, actor)
    return booking


NO_GUEST = {"guest_name": "", "guest_email": "", "guest_key": ""}


def _lock_account(key: str) -> User | None:
    """The account whose address this is, if that was ever verified: whoever registers somebody
    else's address gets none of their bookings. Locked also where it was not: who verifies it just
    now gets the booking either here or there."""
    rows = User.objects.select_for_update(no_key=True).filter(email_key=key, is_active=True)
    user = rows.first()
    return user if user is not None and user.email_verified_at is not None else None


def join_bookings(user: User) -> int:
    """How many bookings became the account's that a guest had confirmed with its address. Call it
    where the address has just been verified, in the same transaction."""
    rows = Booking.objects.filter(owner=None, guest_key=user.email_key)
    rows = rows.filter(guest_confirmed_at__isnull=False).order_by("pk")
    ids = list(rows.select_for_update(no_key=True).values_list("pk", flat=True))
    if not ids:
        return 0
    joined = Booking.objects.filter(pk__in=ids)
    joined.update(owner=user, **NO_GUEST, version=F("version") + 1, updated_at=Now())
    history.record_events("join", list(joined), Actor(ActorRole.OWNER, user), {})
    for venue_id in {booking.venue_id for booking in joined}:
        join(user, venue_id)
    return len(ids)


def cancel_guest_booking(token: str, reason: str = "") -> Booking:
    """Refuses as `cancel_booking` does."""
    booking = get_guest_booking(token)
    cancel_booking(booking.pk, Actor.guest(booking), reason)
    return get_booking_with_relations(booking.pk)


def move_guest_booking(token: str, starts_at: datetime, ends_at: datetime) -> Booking:
    """Refuses as `reschedule_booking` does."""
    booking = get_guest_booking(token)
    changes = BookingChanges(starts_at=starts_at, ends_at=ends_at)
    reschedule_booking(booking.pk, Actor.guest(booking), changes)
    return get_booking_with_relations(booking.pk)
