"""Erases a person on request. What they booked stays as numbers that name nobody."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from contextlib import suppress

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import F, Q, QuerySet, TextField
from django.db.models.functions import Cast, Now
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from api import errors
from api.lifecycle import BOOKING, ActorRole
from api.models import (
    Booking,
    BookingEvent,
    Delivery,
    IdempotencyKey,
    JobFailure,
    Review,
    Trade,
    User,
    UserProfile,
)
from api.models.identifiers import build_key
from api.models.outbox import Kind, State
from api.models.users import ABSENT_DOMAIN, Role
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking
from api.services.conflicts import retry_on_conflict

from .accounts import ensure_admin_remains
from .passwords import end_sessions


@retry_on_conflict
def erase_account(user: User) -> None:
    """Cancel the person's future bookings, and empty every field that names them: in the account,
    in bookings, history and outbox. Raises `Forbidden` for the last admin."""
    with transaction.atomic():
        person = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if person.erased_at:
            return
        ensure_admin_remains(_build_erased(person))
        _cancel_future_bookings(person)
        _erase_texts(person)
        _erase_emails(person)
        _erase_stored_responses(person)
        OutstandingToken.objects.filter(user=person).update(token="")
        end_sessions(person)
        _build_erased(person).save()


@retry_on_conflict
@transaction.atomic
def erase_guest(email: str) -> int:
    """As of an account, of whoever booked with that address as a guest: their future bookings are
    cancelled, and nothing names them any more. How many bookings that were."""
    rows = Booking.objects.filter(owner=None, guest_key=build_key(email))
    for booking in rows.filter(status__in=BOOKING.blocking).order_by("pk"):
        with suppress(errors.NotAllowedNow):
            cancel_booking(booking.pk, Actor.guest(booking), "guest erased")
    found = list(rows.values_list("pk", "guest_email", "guest_name"))
    bookings = Booking.objects.filter(pk__in=[pk for pk, _, _ in found])
    addresses = {address for _, address, _ in found}
    _erase_booking_texts(bookings)
    _erase_deliveries(Q(booking__in=bookings, to__in=addresses))
    _erase_naming(Q(), [*addresses, *(name for _, _, name in found)])
    nobody = f"erased-{uuid.uuid4().hex[:12]}{ABSENT_DOMAIN}"
    bookings.update(guest_name="", guest_email=nobody, guest_key=nobody, guest_link="")
    return len(found)


def _cancel_future_bookings(user: User) -> None:
    ahead = Booking.objects.filter(owner=user, status__in=BOOKING.blocking)
    for pk in ahead.order_by("pk").values_list("pk", flat=True):
        with suppress(errors.NotAllowedNow):  # it is over, its sweep has not come yet
            cancel_booking(pk, Actor(ActorRole.OWNER, user), "account erased")


def _erase_texts(user: User) -> None:
    """What they wrote, and what was recorded about it."""
    _erase_booking_texts(Booking.objects.filter(owner=user))
    Trade.objects.filter(requester=user).update(message="")
    Trade.objects.filter(target=user).update(response_message="")
    about = LogEntry.objects.filter(content_type__model="user", object_id=str(user.pk))
    about.update(object_repr="", change_message="")
    UserProfile.objects.filter(user=user).delete()
    user.changes.all().delete()


def _erase_booking_texts(bookings: QuerySet[Booking]) -> None:
    bookings.update(title="", notes="", rejection_reason="", held_from="", guest_link="")
    BookingEvent.objects.filter(booking__in=bookings).update(details={})
    Review.objects.filter(booking__in=bookings).update(reason="")


def _erase_emails(user: User) -> None:
    """Emails to them, sent or not, also to an address that they had before, and about bookings that
    were traded to somebody else since."""
    to_others = Q(to=settings.ADMIN_EMAIL) | Q(to=F("booking__venue__admin_email"))
    theirs = Q(booking__owner=user) | Q(
        booking__in=Booking.objects.filter(events__actor=user, events__by=ActorRole.OWNER)
    )
    to_owner_now = ~Q(booking__owner=user) & Q(to=F("booking__owner__email"))
    about = Q(to=user.email) | Q(payload__user=user.pk)
    about |= theirs & Q(kind=Kind.EMAIL) & ~to_others & ~to_owner_now
    _erase_deliveries(about)


def _erase_deliveries(about: Q) -> None:
    emails = Delivery.objects.filter(pk__in=Delivery.objects.filter(about).values("pk"))
    emails.filter(finished_at=None).update(state=State.WITHHELD, finished_at=Now())
    emails.update(to="", payload={}, last_error="")


def _erase_stored_responses(user: User) -> None:
    """Responses stored for a repeated request, of whomever, and errors of jobs."""
    full = f"{user.first_name} {user.last_name}".strip()
    theirs = Q(scope=f"user:{user.pk}") | Q(body__id=user.pk, body__has_key="email")
    _erase_naming(theirs, [user.email, user.username or "", full])


def _erase_naming(stored: Q, texts: Iterable[str]) -> None:
    """Responses, and errors of jobs, in which one of these stands. A name of two letters is in
    everybody's responses."""
    failures = Q(pk__in=[])
    for text in texts:
        if len(text) > 3:
            stored |= Q(text__icontains=text)
            failures |= Q(error__icontains=text)
    if stored:
        responses = IdempotencyKey.objects.annotate(text=Cast("body", TextField()))
        responses.filter(stored).delete()
    JobFailure.objects.filter(failures).update(error="")


def _build_erased(user: User) -> User:
    gone = User.objects.get(pk=user.pk)
    gone.email, gone.username = f"erased-{user.pk}-{uuid.uuid4().hex[:12]}{ABSENT_DOMAIN}", None
    gone.first_name = gone.last_name = gone.phone = gone.department = ""
    gone.is_active, gone.is_superuser, gone.role = False, False, Role.USER
    gone.last_login, gone.erased_at = None, Now()
    gone.email_verified_at = None
    gone.set_unusable_password()
    return gone
