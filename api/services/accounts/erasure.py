"""Erases a person on request. What they booked stays as numbers that name nobody."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from contextlib import suppress

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import F, Q, QuerySet, TextField
from django.db.models.functions import Cast, Now
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from api import errors
from api.lifecycle import BOOKING, ActorRole
from api.models import (
    AuditEntry,
    Booking,
    BookingEvent,
    Caller,
    Consent,
    Delivery,
    IdempotencyKey,
    Invitation,
    JobFailure,
    Membership,
    Review,
    Series,
    Trade,
    User,
    UserProfile,
    UserSession,
)
from api.models.identifiers import build_key
from api.models.outbox import Kind, State
from api.models.series import EndedBecause
from api.models.users import ABSENT_DOMAIN
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking
from api.services.conflicts import retry_on_conflict
from api.services.venues.people import retire_person

from .accounts import ensure_operator_remains
from .memberships import (
    ensure_admins_remain,
    has_role_elsewhere,
    list_admin_venues_of,
    remove,
)
from .passwords import end_sessions


@retry_on_conflict
def erase_account(user: User, *, by: Caller | None = None) -> None:
    """Cancel the person's future bookings, and empty every field that names them: in the account,
    in bookings, history and outbox. Who is a resource is retired. Raises `Forbidden` for the last
    operator, and `LastAdmin` for that of a venue unless an operator asks."""
    with transaction.atomic():
        person = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if person.erased_at:
            return
        ensure_operator_remains(_build_erased(person))
        ensure_admins_remain(person.pk, list_admin_venues_of(person), by=by)
        Membership.objects.filter(user=person).delete()
        Invitation.objects.filter(email_key=person.email_key).delete()
        _cancel_future_bookings(person)
        retired = retire_person(person)
        _erase_texts(person)
        _erase_emails(person)
        _erase_stored_responses(person)
        OutstandingToken.objects.filter(user=person).update(token="")
        end_sessions(person)
        _build_erased(person).save()
        _erase_audit(person, retired)


def remove_person(user: User, venue_id: int, *, by: User) -> None:
    """Take one of a venue's people away, as its admin does: the account is erased, or only the
    membership ends where the person has a role elsewhere too. Raises as `remove` and
    `erase_account`."""
    membership = Membership.objects.filter(user=user, venue=venue_id).select_related("user").first()
    if has_role_elsewhere(user, venue_id):
        if membership is None:
            raise errors.NotFound
        remove(membership, by=by)
        return
    if user.pk != by.pk and not by.is_admin_of(venue_id):
        raise errors.Forbidden
    erase_account(user, by=by)


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
    going_on = Series.objects.filter(owner=user, ended_at=None)
    going_on.update(ended_at=Now(), ended_because=EndedBecause.CANCELLED, extends_at=None)
    ahead = Booking.objects.filter(owner=user, status__in=BOOKING.blocking)
    for pk in ahead.order_by("pk").values_list("pk", flat=True):
        with suppress(errors.NotAllowedNow):  # it is over, its sweep has not come yet
            cancel_booking(pk, Actor(ActorRole.OWNER, user), "account erased")


def _erase_texts(user: User) -> None:
    """What they wrote, and what was recorded about it."""
    _erase_booking_texts(Booking.objects.filter(owner=user))
    Series.objects.filter(owner=user).update(title="", notes="", attendees=[])
    for series in Series.objects.filter(attendees__contains=[user.pk]).order_by("pk"):
        others = [pk for pk in series.attendees if pk != user.pk]
        Series.objects.filter(pk=series.pk).update(attendees=others)
    Trade.objects.filter(requester=user).update(message="")
    Trade.objects.filter(target=user).update(response_message="")
    about = LogEntry.objects.filter(content_type__model="user", object_id=str(user.pk))
    about.update(object_repr="", change_message="")
    UserProfile.objects.filter(user=user).delete()
    user.changes.all().delete()
    for rows in (Consent, UserSession, SocialAccount, Authenticator):
        rows.objects.filter(user=user).delete()


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


def _erase_audit(user: User, also: Iterable[str]) -> None:
    """The content of entries about them and `also` these objects, of this erasure too. That they
    were made stays, and their digests, so that the chain holds."""
    bookings = Booking.objects.filter(Q(owner=user) | Q(events__actor=user))
    names = [f"user:{user.pk}", f"profile:{user.pk}", *also]
    for kind, rows in (
        ("booking", bookings),
        ("review", Review.objects.filter(booking__in=bookings)),
        ("trade", Trade.objects.filter(Q(requester=user) | Q(target=user))),
        ("delivery", Delivery.objects.filter(booking__in=bookings)),
        ("series", Series.objects.filter(owner=user)),
    ):
        names += [f"{kind}:{pk}" for pk in rows.values_list("pk", flat=True)]
    invited = Q(object__startswith="invitation:") & (
        Q(before__email=user.email) | Q(after__email=user.email)
    )
    AuditEntry.objects.filter(Q(object__in=names) | invited).update(
        before=None, after=None, salt=None
    )


def _build_erased(user: User) -> User:
    gone = User.objects.get(pk=user.pk)
    gone.email, gone.username = f"erased-{user.pk}-{uuid.uuid4().hex[:12]}{ABSENT_DOMAIN}", None
    gone.first_name = gone.last_name = gone.phone = gone.department = ""
    gone.is_active = gone.is_superuser = False
    gone.last_login, gone.erased_at = None, Now()
    gone.email_verified_at = None
    gone.ended_sessions = []
    gone.set_unusable_password()
    return gone
