"""Who pushes a row, and in which role; written into every line of history."""

from __future__ import annotations

from dataclasses import dataclass

from api.lifecycle import ActorRole
from api.models import Booking, User


@dataclass(frozen=True)
class Actor:
    by: ActorRole
    user: User | None = None
    name: str = ""

    @property
    def is_staff(self) -> bool:
        return self.by is ActorRole.STAFF

    @classmethod
    def clock(cls, job: str) -> Actor:
        return cls(ActorRole.CLOCK, None, job)

    @classmethod
    def payment(cls, source: str) -> Actor:
        return cls(ActorRole.PAYMENT, None, source)

    @classmethod
    def panel(cls, name: str) -> Actor:
        return cls(ActorRole.PANEL, None, name)

    @classmethod
    def person(cls, user: User) -> Actor:
        """Somebody who does not touch a row of theirs: staff if they are, else a member."""
        return cls(ActorRole.STAFF if user.is_staff else ActorRole.MEMBER, user)

    @classmethod
    def for_booking(cls, user: User, booking: Booking) -> Actor:
        """The same person as seen from one booking: staff, its owner, or anyone else."""
        if user.is_staff:
            return cls(ActorRole.STAFF, user)
        return cls(ActorRole.OWNER if booking.owner_id == user.pk else ActorRole.MEMBER, user)
