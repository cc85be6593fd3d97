"""People. One account signs in to every contract. Names and addresses are unique by their keys, as
`identifiers` builds them; `User` keeps the keys up to date."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.functional import cached_property

from .identifiers import (
    build_key,
    list_password_forms,
    normalize_address,
    prepare_password,
    validate_address,
)
from .roles import Caller, Role
from .venues import Venue

ABSENT_DOMAIN = "@absent.invalid"  # stands in for the address that somebody did not give
FORMER = f"former{ABSENT_DOMAIN}"  # has the bookings whose owner a venue has forgotten


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Without a password the account cannot sign in."""
        fields["username"] = fields.get("username") or None
        with suppress(ValidationError):  # what is no address is for callers to refuse
            email = normalize_address(email)
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Whoever may do this vouches for the address."""
        fields.setdefault("email_verified_at", Now())
        return self.create_user(email, password, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email_key=build_key(username or ""))

    def find_by_login(self, login: str) -> User | None:
        """The account with this e-mail address or username. A username that looks like an address
        is its owner's, so that there is one at most."""
        key = build_key(login)
        if not key or "\0" in key:
            return None
        return self.filter(models.Q(email_key=key) | models.Q(username_key=key)).first()


class User(Caller, AbstractBaseUser, PermissionsMixin):
    email = models.EmailField(max_length=254, unique=True, validators=[validate_address])
    email_key = models.CharField(max_length=254, editable=False)
    email_verified_at = models.DateTimeField(null=True, blank=True, editable=False)
    username = models.CharField(max_length=150, null=True, blank=True)
    username_key = models.CharField(max_length=254, null=True, editable=False)
    first_name = models.CharField(max_length=150, blank=True)
    last_name = models.CharField(max_length=150, blank=True)
    phone = models.CharField(max_length=20, blank=True)
    department = models.CharField(max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(auto_now_add=True)
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)
    # tokens of who signed in before then are refused
    sessions_valid_from = models.DateTimeField(null=True, blank=True, editable=False)
    # those of its `sessions` that were ended one by one, and would not have expired yet
    ended_sessions = ArrayField(
        models.BigIntegerField(), default=list, db_default=[], editable=False
    )

    # of who calls: whether the session or token has seen one; None for a row that calls nothing
    has_second_factor: bool | None = None

    is_limited = False  # to the roles of this request
    role_here: str  # in the venue whose people a query lists

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="user_email_is_lower_case"
            ),
            models.UniqueConstraint(fields=["email_key"], name="user_email_unique"),
            models.UniqueConstraint(fields=["username_key"], name="user_username_unique"),
            models.CheckConstraint(
                condition=~models.Q(username_key__contains="@")
                | models.Q(username_key=models.F("email_key")),
                name="user_username_is_no_address_of_others",
            ),
        ]

    def __str__(self) -> str:
        return self.email

    def save(self, *, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        """Also writes the keys of what is written."""
        self.email_key = build_key(self.email)
        self.username_key = build_key(self.username) if self.username else None
        if update_fields is not None:
            written = set(update_fields)
            written |= {f"{name}_key" for name in ("email", "username") if name in written}
            update_fields = written
        super().save(update_fields=update_fields, **options)

    def set_password(self, raw_password: str | None) -> None:
        super().set_password(raw_password and prepare_password(raw_password))

    def check_password(self, raw_password: str | None) -> bool:
        """Also by a hash that was made of the password in another form."""
        check = super().check_password
        forms = [None] if raw_password is None else list_password_forms(raw_password)
        return any(check(form) for form in forms)

    @cached_property
    def roles(self) -> Mapping[int, str]:  # type: ignore[override]  # read once for each request
        """By venue id. Authentication has read it with the user."""
        if self._state.adding:
            return {}
        if self.has_second_factor is None:
            return {row.venue_id: row.role for row in self.memberships.all()}
        lacking, everywhere = not self.has_second_factor, settings.SECOND_FACTOR_REQUIRED
        return {
            venue_id: Role.CUSTOMER if lacking and (demanded or everywhere) else role
            for venue_id, role, demanded in self.granted_roles
        }

    @cached_property
    def granted_roles(self) -> Sequence[tuple[int, str, bool]]:
        """Venue id, role, and whether the venue demands a second factor of its staff and admins:
        without one they have a customer's rights there."""
        demanded = "venue__second_factor_required"
        return list(self.memberships.values_list("venue_id", "role", demanded))

    @property
    def needs_second_factor(self) -> bool:
        """Whether they would have more rights if this session or token had seen one."""
        if self.has_second_factor is not False:
            return False
        lowered = any(self.roles[venue] != role for venue, role, _ in self.granted_roles)
        return lowered or (self.is_superuser and self.lacks_second_factor)

    @cached_property
    def lacks_second_factor(self) -> bool:
        """Whether an operator has none in this request and needs one: an operator is the admin of
        every venue, so that one which demands it is enough."""
        if self.has_second_factor is not False:
            return False
        return settings.SECOND_FACTOR_REQUIRED or self.is_factor_demanded

    @cached_property
    def is_factor_demanded(self) -> bool:
        """By any venue. Authentication has read it with an operator."""
        return Venue.objects.filter(second_factor_required=True).exists()

    def set_second_factor(self, seen: bool) -> None:
        """Makes them who calls, with or without a second factor; their roles follow from it."""
        self.has_second_factor = seen
        for name in ("roles", "lacks_second_factor"):
            self.__dict__.pop(name, None)
        if "granted_roles" in self.__dict__:  # read with the user: what asks only looks
            self.__dict__["roles"] = self.roles

    def limit_roles(self, roles: Mapping[int, str]) -> None:
        """For this request they have no other roles: that is what they signed in for."""
        self.__dict__["roles"], self.is_limited = roles, True

    def forget_roles(self) -> None:
        """Has the roles read anew: they were changed."""
        for name in ("roles", "granted_roles", "role_here", "_prefetched_objects_cache"):
            self.__dict__.pop(name, None)

    @property
    def person_id(self) -> int:  # type: ignore[override]  # as above
        return int(self.pk)

    @property
    def is_operator(self) -> bool:  # type: ignore[override]  # a column says it
        """Of the whole instance: the admin of every venue, who makes venues and accounts."""
        return self.is_superuser and not self.is_limited and not self.lacks_second_factor

    @property
    def is_staff(self) -> bool:
        """Django's word for who may enter the admin site, and for nothing else: what somebody may
        do, they may in a venue."""
        return self.is_staff_somewhere

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """For the admin site, of some venue; which rows are theirs, its querysets say."""
        if not self.is_active:
            return False
        if self.is_operator:
            return True
        return (self.is_staff_somewhere and _may_as_staff(perm)) or (
            self.is_admin_somewhere and _may_as_admin(perm)
        )

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_active and (
            self.is_operator or (self.is_staff_somewhere and app_label == "api")
        )

    @property
    def address(self) -> str:
        """The e-mail address; empty for somebody who gave none."""
        return "" if self.email.endswith(ABSENT_DOMAIN) else self.email

    @property
    def name(self) -> str:
        """What to call this person."""
        return get_display_name(self.first_name, self.last_name, self.username, self.email)


NAME_FIELDS = ("first_name", "last_name", "username", "email")


def get_display_name(first_name: str, last_name: str, username: str | None, email: str) -> str:
    """The full name, else the username, else the address."""
    return f"{first_name} {last_name}".strip() or username or email


# what the admin site shows to staff and admins, of their venues' rows; the rest is the operator's
_SEEN_BY_STAFF = frozenset(
    f"api.view_{name}"
    for name in (
        *("venue", "resource", "booking", "bookingevent", "trade", "panel", "review", "payment"),
        *("series", "refund", "dispute", "delivery", "closure", "primetimewindow", "user"),
        *("userprofile", "hours", "hoursexception", "pool", "service", "serviceduration", "need"),
        *("block", "allocation", "waitlistentry"),
    )
)
_CHANGED_BY_STAFF = frozenset(
    (
        "api.add_block",
        "api.delete_block",
        *(
            f"api.{act}_{name}"
            for act in ("add", "change")
            for name in ("booking", "resource", "pool", "service")
        ),
        *(
            f"api.{act}_{name}"  # rows on the pages of the others
            for act in ("add", "change", "delete")
            for name in ("hours", "hoursexception", "serviceduration", "need")
        ),
    )
)
_SEEN_BY_ADMINS = frozenset(
    f"api.view_{name}" for name in ("membership", "invitation", "consenttext")
)
_CHANGED_BY_ADMINS = frozenset(
    (
        *("api.change_venue", "api.delete_resource", "api.add_consenttext"),
        *(
            f"api.{act}_{name}"
            for act in ("add", "change", "delete")
            for name in ("closure", "primetimewindow", "membership")
        ),
    )
)


def _may_as_staff(perm: str) -> bool:
    return perm in _SEEN_BY_STAFF or perm in _CHANGED_BY_STAFF


def _may_as_admin(perm: str) -> bool:
    return perm in _SEEN_BY_ADMINS or perm in _CHANGED_BY_ADMINS


class UserProfile(models.Model):
    """The picture of a person; created with the account by the one `post_save` of the project."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="profile")
    profile_picture = models.URLField(max_length=500, null=True, blank=True)
    cloudinary_public_id = models.CharField(max_length=255, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"profile of {self.user_id}"


class AccountChange(models.Model):
    """What an account had before its address or password was changed, while the link of the letter
    about that undoes it."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="changes")
    email = models.EmailField(max_length=254)
    email_key = models.CharField(max_length=254)
    username = models.CharField(max_length=150, null=True)
    password = models.CharField(max_length=128)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index("email_key", "expires_at", name="account_change_by_email")]

    def __str__(self) -> str:
        return f"change {self.pk} of {self.user_id}"
