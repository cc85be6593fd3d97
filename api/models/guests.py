"""Guests: people who book with a name and an address, and have no account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from .roles import Caller
from .users import ABSENT_DOMAIN, get_display_name


@dataclass(frozen=True)
class Guest(Caller):
    """What is read of whoever has a booking, as of a `User`; `full_name` is what they typed.

    `email_verified_at` is when they confirmed their booking by the link of its letter."""

    full_name: str
    email: str
    email_verified_at: datetime | None = None

    pk: ClassVar[None] = None
    id: ClassVar[None] = None
    username: ClassVar[None] = None
    first_name: ClassVar[str] = ""
    department: ClassVar[str] = ""
    phone: ClassVar[str] = ""
    is_active: ClassVar[bool] = True
    erased_at: ClassVar[None] = None

    # nothing of an account's: of no venue one of its people
    roles = property(lambda _: {})
    is_operator = property(lambda _: False)
    person_id = property(lambda _: None)

    def __str__(self) -> str:
        return self.email

    @property
    def last_name(self) -> str:
        return self.full_name

    @property
    def address(self) -> str:
        """The e-mail address; empty once it was erased."""
        return "" if self.email.endswith(ABSENT_DOMAIN) else self.email

    @property
    def name(self) -> str:
        return get_display_name("", self.full_name, None, self.email)
