"""Who pushes a row, and in which role; written into every line of history."""

from __future__ import annotations

from dataclasses import dataclass

from api.lifecycle import By
from api.models import Booking, User


@dataclass(frozen=True)
class Actor:
    by: By
    user: User | None = None
    name: str = ""

    @property
    def is_staff(self) -> bool:
        return self.by is By.STAFF

    @classmethod
    def clock(cls, job: str) -> Actor:
        return cls(By.CLOCK, None, job)

    @classmethod
    def payment(cls, source: str) -> Actor:
        return cls(By.PAYMENT, None, source)

    @classmethod
    def panel(cls, name: str) -> Actor:
        return cls(By.PANEL, None, name)

    @classmethod
    def person(cls, user: User) -> Actor:
        """Somebody who does not touch a row of theirs: staff if they are, else a member."""
        return cls(By.STAFF if user.is_staff else By.MEMBER, user)

    @classmethod
    def toward(cls, user: User, booking: Booking) -> Actor:
        """The same person as seen from one booking: staff, its owner, or anyone else."""
        if user.is_staff:
            return cls(By.STAFF, user)
        return cls(By.OWNER if booking.owner_id == user.pk else By.MEMBER, user)
