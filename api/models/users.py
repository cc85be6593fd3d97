"""People. One account signs in to every contract; the e-mail address is stored in lower case."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower

ABSENT_DOMAIN = "@absent.invalid"  # stands in for the address that somebody did not give


class Role(models.TextChoices):
    USER = "user", "User"
    STAFF = "staff", "Staff"
    ADMIN = "admin", "Admin"


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Without a password the account cannot sign in."""
        fields["username"] = fields.get("username") or None
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_superuser=True, role=Role.ADMIN, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser, PermissionsMixin):
    email = models.EmailField(max_length=254, unique=True)
    username = models.CharField(max_length=150, null=True, blank=True)
    first_name = models.CharField(max_length=150, blank=True)
    last_name = models.CharField(max_length=150, blank=True)
    phone = models.CharField(max_length=20, blank=True)
    department = models.CharField(max_length=120, blank=True)
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.USER)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(auto_now_add=True)
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)

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
            models.UniqueConstraint(Lower("username"), name="user_username_unique"),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="user_role_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.email

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
