"""People. One account signs in to every contract. Names and addresses are unique by their keys, as
`identifiers` builds them; `User` keeps the keys up to date."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower, Now

from .identifiers import (
    build_key,
    list_password_forms,
    normalize_address,
    prepare_password,
    validate_address,
)

ABSENT_DOMAIN = "@absent.invalid"  # stands in for the address that somebody did not give


class Role(models.TextChoices):
    USER = "user", "User"
    STAFF = "staff", "Staff"
    ADMIN = "admin", "Admin"


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
        return self.create_user(email, password, is_superuser=True, role=Role.ADMIN, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email_key=build_key(username or ""))

    def find_by_login(self, login: str) -> User | None:
        """The account with this e-mail address or username. A username that looks like an address
        is its owner's, so that there is one at most."""
        key = build_key(login)
        if not key or "\0" in key:
            return None
        return self.filter(models.Q(email_key=key) | models.Q(username_key=key)).first()


class User(AbstractBaseUser, PermissionsMixin):
    email = models.EmailField(max_length=254, unique=True, validators=[validate_address])
    email_key = models.CharField(max_length=254, editable=False)
    email_verified_at = models.DateTimeField(null=True, blank=True, editable=False)
    username = models.CharField(max_length=150, null=True, blank=True)
    username_key = models.CharField(max_length=254, null=True, editable=False)
    first_name = models.CharField(max_length=150, blank=True)
    last_name = models.CharField(max_length=150, blank=True)
    phone = models.CharField(max_length=20, blank=True)
    department = models.CharField(max_length=120, blank=True)
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.USER)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(auto_now_add=True)
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)
    # tokens of who signed in before then are refused
    sessions_valid_from = models.DateTimeField(null=True, blank=True, editable=False)
    # those of its `sessions` that were ended one by one, and would not have expired yet
    ended_sessions = ArrayField(
        models.BigIntegerField(), default=list, db_default=[], editable=False
    )

    has_second_factor = False  # whether this request's session or token has seen one

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
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="user_role_is_known"
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

    @property
    def is_staff(self) -> bool:
        """Staff and admins: may see and answer everybody's bookings, and use the admin site."""
        return self.role in (Role.STAFF, Role.ADMIN) or self.is_superuser

    @property
    def is_admin(self) -> bool:
        """May also change people, venues and policies."""
        return self.role == Role.ADMIN or self.is_superuser

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """For the admin site: admins may do everything, staff may view, and answer bookings."""
        if not self.is_active:
            return False
        return self.is_admin or (self.is_staff and _may_as_staff(perm))

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_active and (self.is_admin or (self.is_staff and app_label == "api"))

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


def _may_as_staff(perm: str) -> bool:
    app, _, action = perm.partition(".")
    may_change = action in ("add_booking", "change_booking", "change_resource", "add_resource")
    return app == "api" and (may_change or action.startswith("view_"))


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
