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
    link: str = ""  # of a guest: what the booking's link must still be signed with

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
    def guest(cls, booking: Booking) -> Actor:
        """Whoever has the link of the booking's letter, for as long as that opens it."""
        return cls(ActorRole.GUEST, link=booking.guest_link)

    @classmethod
    def person(cls, user: User) -> Actor:
        """Somebody who does not touch a row of theirs: staff if they are, else a member."""
        return cls(ActorRole.STAFF if user.is_staff else ActorRole.MEMBER, user)

    @classmethod
    def for_new_booking(cls, user: User, owner: User | None = None) -> Actor:
        """Somebody who books for themselves, or for `owner`: as `for_booking`."""
        return cls._for_owner(user, owner.pk if owner else user.pk)

    @classmethod
    def for_booking(cls, user: User, booking: Booking) -> Actor:
        """The same person as seen from one booking: staff, its owner, or anyone else."""
        return cls._for_owner(user, booking.owner_id)

    @classmethod
    def _for_owner(cls, user: User, owner_id: int | None) -> Actor:
        if user.is_staff:
            return cls(ActorRole.STAFF, user)
        return cls(ActorRole.OWNER if owner_id == user.pk else ActorRole.MEMBER, user)
