"""Who pushes a row, and in which role; written into every line of history."""

from __future__ import annotations

from dataclasses import dataclass, replace

from api.lifecycle import ActorRole
from api.models import Booking, Caller, KeyCaller, Series, User


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
    def in_venue(cls, caller: Caller, venue_id: int) -> Actor:
        """Somebody who does not touch a row of theirs: staff of the venue, else a member."""
        return cls._for_owner(caller, venue_id, None)

    @classmethod
    def for_booking(cls, caller: Caller, booking: Booking) -> Actor:
        """Somebody as seen from one booking: staff of its venue, its owner, or anyone else."""
        return cls._for_owner(caller, booking.venue_id, booking.owner_id)

    @classmethod
    def for_series(cls, caller: Caller, series: Series) -> Actor:
        """The same as seen from a series."""
        return cls._for_owner(caller, series.venue_id, series.owner_id)

    @classmethod
    def for_new_booking(cls, user: User, owner: User | None = None) -> Actor:
        """Somebody who books for themselves, or for `owner`. Whether they are staff, the venue of
        the resource decides: `at` says it."""
        by = ActorRole.OWNER if owner is None or owner.pk == user.pk else ActorRole.MEMBER
        return cls(by, user)

    def at(self, venue_id: int) -> Actor:
        """The same, as staff where the person is staff of the venue."""
        user = self.user if self.by in (ActorRole.OWNER, ActorRole.MEMBER) else None
        if user is not None and user.is_staff_of(venue_id):
            return replace(self, by=ActorRole.STAFF)
        return self

    @classmethod
    def _for_owner(cls, caller: Caller, venue_id: int, owner_id: int | None) -> Actor:
        user = caller if isinstance(caller, User) else None
        name = caller.name if isinstance(caller, KeyCaller) else ""
        if caller.is_staff_of(venue_id):
            return cls(ActorRole.STAFF, user, name)
        is_owner = owner_id is not None and owner_id == caller.person_id
        return cls(ActorRole.OWNER if is_owner else ActorRole.MEMBER, user)
