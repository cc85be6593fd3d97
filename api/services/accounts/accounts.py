"""People and their accounts: register, sign in, passwords, erasure. No one sets their own role."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth import authenticate, password_validation
from django.contrib.auth.tokens import default_token_generator
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import F, Q, TextField
from django.db.models.functions import Cast, Now
from django.utils.encoding import force_str
from django.utils.http import urlsafe_base64_decode
from rest_framework.authtoken.models import Token
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from api import errors
from api.lifecycle import BOOKING, ActorRole
from api.models import (
    Booking,
    BookingEvent,
    Delivery,
    IdempotencyKey,
    JobFailure,
    Trade,
    User,
    UserProfile,
)
from api.models.outbox import Kind, State
from api.models.users import ABSENT_DOMAIN, Role
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking
from api.services.conflicts import retry_on_conflict
from api.services.messages import notifications

PUBLIC_FIELDS = frozenset({"first_name", "last_name", "phone", "department", "username"})


def register(
    *,
    email: str,
    password: str,
    username: str | None = None,
    strong: bool = True,
    **fields: Any,
) -> User:
    """A new account in the role of a user, whatever was asked for. Refuses `EmailTaken`,
    `UsernameTaken`, `WeakPassword` and `Invalid`; of two rivals for an address one gets it.
    Without an address (a door may allow that) nobody writes to this person."""
    known = {name: value for name, value in fields.items() if name in PUBLIC_FIELDS}
    email = normalize_email(email or f"{uuid.uuid4().hex}{ABSENT_DOMAIN}")
    if User.objects.filter(email=email).exists():
        raise errors.EmailTaken(errors={"email": [errors.EmailTaken.detail]})
    draft = User(email=email, username=username or None, **known)
    if strong:
        validate_password(password, draft)
    try:
        with transaction.atomic():
            return User.objects.create_user(email, password, username=username or None, **known)
    except IntegrityError as error:
        raise _taken(error) from error


def normalize_email(email: str) -> str:
    """The address in lower case; refuses `Invalid`."""
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise errors.Invalid(errors={"email": error.messages}) from error
    return email


def validate_password(password: str, user: User, field: str = "password") -> None:
    try:
        password_validation.validate_password(password, user)
    except ValidationError as error:
        raise errors.WeakPassword(errors={field: error.messages}) from error


def _taken(error: IntegrityError) -> errors.Refusal:
    """Which of the two unique columns it was: an address may well contain the name of the other."""
    diagnosis = getattr(error.__cause__, "diag", None)
    if "username" in (getattr(diagnosis, "constraint_name", None) or ""):
        return errors.UsernameTaken(errors={"username": [errors.UsernameTaken.detail]})
    return errors.EmailTaken(errors={"email": [errors.EmailTaken.detail]})


def sign_in(*, login: str, password: str, address: str = "") -> User:
    """The person with this e-mail address or username and password. Refuses `WrongCredentials`
    alike for all that is wrong, and `TooManyAttempts` for this account from this address."""
    who = hashlib.sha256(f"{login.strip().lower()}\0{address}".encode()).hexdigest()
    key = f"failed-logins:{who}"
    window = int(settings.FAILED_LOGINS_WINDOW.total_seconds())
    if int(cache.get(key) or 0) >= settings.FAILED_LOGINS_ALLOWED:
        raise errors.TooManyAttempts(retry_after=window)
    user = authenticate(username=login, password=password)
    if not isinstance(user, User):
        cache.add(key, 0, window)
        try:
            cache.incr(key)
        except ValueError:  # it expired between the two
            cache.set(key, 1, window)
        raise errors.WrongCredentials
    cache.delete(key)
    User.objects.filter(pk=user.pk).update(last_login=Now())
    return user


def change_password(user: User, current: str, new: str) -> None:
    """Ends every session of the account. Refuses `WrongPassword` and `WeakPassword`."""
    if not user.check_password(current):
        raise errors.WrongPassword(errors={"current_password": [errors.WrongPassword.detail]})
    validate_password(new, user, "new_password")
    set_password(user, new)


def set_password(user: User, new: str) -> None:
    """Writes a password that was looked at before, and ends every session of the account."""
    user.set_password(new)
    user.save(update_fields=["password"])
    end_sessions(user)


def end_sessions(user: User) -> None:
    """Takes back the token that does not expire; the others carry a mark of the old password."""
    Token.objects.filter(user=user).delete()


def request_password_reset(email: str, name: str = "password_reset") -> None:
    """Queues the e-mail with the link, if there is such an account; says nothing either way."""
    user = User.objects.filter(email=email.strip().lower(), is_active=True).first()
    if user is not None:
        notifications.email_user(user, name, f"email:password_reset:{uuid.uuid4()}")


def reset_password(uid: str, token: str, new: str) -> User:
    """Sets a password by the link of the e-mail, once and within the hour. Refuses `LinkRefused`
    and `WeakPassword`; of two who follow one link at once one gets through."""
    with transaction.atomic():
        user = _linked(uid)
        if user is None or not default_token_generator.check_token(user, token):
            raise errors.LinkRefused(errors={"token": [errors.LinkRefused.detail]})
        validate_password(new, user, "new_password")
        set_password(user, new)
    return user


def _linked(uid: str) -> User | None:
    """The account that a link is about, locked."""
    try:
        pk = int(force_str(urlsafe_base64_decode(uid)))
    except ValueError:  # not base64, not UTF-8, not a number
        return None
    return User.objects.select_for_update(no_key=True).filter(pk=pk, is_active=True).first()


ADMIN_FIELDS = {"role", "is_active", "is_superuser"}


def update_account(
    user: User, changes: Mapping[str, Any], *, by: User, strong: bool = True
) -> User:
    """The account with these fields changed. `ADMIN_FIELDS` only by an admin, and nobody
    takes the role of the last admin away. Refuses as `register` does, and `Forbidden`."""
    # forms send back what they were shown
    same = {name for name in ADMIN_FIELDS & changes.keys() if changes[name] == getattr(user, name)}
    changes = {name: value for name, value in changes.items() if name not in same}
    powers = ADMIN_FIELDS & changes.keys()
    if powers and not by.is_admin:
        raise errors.Forbidden
    if "email" in changes:
        changes["email"] = normalize_email(changes["email"])
    if "username" in changes:
        changes["username"] = changes["username"] or None
    if "role" in changes:
        changes["is_superuser"] = changes["role"] == Role.ADMIN
    password = changes.pop("password", None)
    for name, value in changes.items():
        setattr(user, name, value)
    if password and strong:
        validate_password(password, user)
    try:
        with transaction.atomic():
            if powers:
                _keep_an_admin(user)
            # only what was asked for: the rest of the row may be older than the database's
            user.save(update_fields=changes.keys())
            if password:
                set_password(user, password)
    except IntegrityError as error:
        raise _taken(error) from error
    return user


def _keep_an_admin(user: User) -> None:
    """Refuses `Forbidden` if `user`, as it is about to be written, was the last admin. All admins
    are locked, in id order: two who take it from each other do not both succeed."""
    admins = User.objects.filter(Q(role=Role.ADMIN) | Q(is_superuser=True), is_active=True)
    ids = set(admins.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))
    if ids == {user.pk} and not (user.is_admin and user.is_active):
        raise errors.Forbidden("The last admin stays one.")


@retry_on_conflict
def erase_account(user: User) -> None:
    """Forgets a person: cancels what they have ahead, and empties every field that names them,
    here, in their bookings, in the history and in the outbox. What was booked stays as numbers.
    Refuses `Forbidden` for the last admin."""
    with transaction.atomic():
        person = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if person.erased_at:
            return
        _keep_an_admin(_as_erased(person))
        _cancel_ahead(person)
        _forget_words(person)
        _forget_letters(person)
        _forget_answers(person)
        OutstandingToken.objects.filter(user=person).update(token="")
        end_sessions(person)
        _as_erased(person).save()


def _cancel_ahead(user: User) -> None:
    ahead = Booking.objects.filter(owner=user, status__in=BOOKING.blocking)
    for pk in ahead.order_by("pk").values_list("pk", flat=True):
        with suppress(errors.NotAllowedNow):  # it is over, its sweep has not come yet
            cancel_booking(pk, Actor(ActorRole.OWNER, user), "account erased")


def _forget_words(user: User) -> None:
    """What they wrote, and what was written down about it."""
    mine = Booking.objects.filter(owner=user)
    mine.update(title="", notes="", rejection_reason="", held_from="")
    BookingEvent.objects.filter(booking__owner=user).update(details={})
    Trade.objects.filter(requester=user).update(message="")
    Trade.objects.filter(target=user).update(response_message="")
    about = LogEntry.objects.filter(content_type__model="user", object_id=str(user.pk))
    about.update(object_repr="", change_message="")
    UserProfile.objects.filter(user=user).delete()


def _forget_letters(user: User) -> None:
    """Emails to them, sent or not, also to an address that they had before, and about bookings that
    are somebody else's now."""
    to_others = Q(to=settings.ADMIN_EMAIL) | Q(to=F("booking__venue__admin_email"))
    theirs = Q(booking__owner=user) | Q(
        booking__in=Booking.objects.filter(events__actor=user, events__by=ActorRole.OWNER)
    )
    to_owner_now = ~Q(booking__owner=user) & Q(to=F("booking__owner__email"))
    about = Q(to=user.email) | Q(payload__user=user.pk)
    about |= theirs & Q(kind=Kind.EMAIL) & ~to_others & ~to_owner_now
    letters = Delivery.objects.filter(pk__in=Delivery.objects.filter(about).values("pk"))
    letters.filter(finished_at=None).update(state=State.WITHHELD, finished_at=Now())
    letters.update(to="", payload={}, last_error="")


def _forget_answers(user: User) -> None:
    """What was kept for a client asking again, whoever that was, and what failing jobs said."""
    full = f"{user.first_name} {user.last_name}".strip()
    # a name of two letters is in everybody's answers
    says = [text for text in (user.email, user.username or "", full) if len(text) > 3]
    kept = IdempotencyKey.objects.annotate(text=Cast("body", TextField()))
    naming = Q(scope=f"user:{user.pk}")
    failures = Q()
    for text in says:
        naming |= Q(text__icontains=text)
        failures |= Q(error__icontains=text)
    kept.filter(naming | Q(body__id=user.pk, body__has_key="email")).delete()
    JobFailure.objects.filter(failures).update(error="")


def _as_erased(user: User) -> User:
    gone = User.objects.get(pk=user.pk)
    gone.email, gone.username = f"erased-{user.pk}-{uuid.uuid4().hex[:12]}{ABSENT_DOMAIN}", None
    gone.first_name = gone.last_name = gone.phone = gone.department = ""
    gone.is_active, gone.is_superuser, gone.role = False, False, Role.USER
    gone.last_login, gone.erased_at = None, Now()
    gone.set_unusable_password()
    return gone


def prune_blacklist() -> int:
    """Forgets refresh tokens that have expired by themselves, and nothing else."""
    return OutstandingToken.objects.filter(expires_at__lt=Now()).delete()[0]
