"""Becoming one of a venue's people by booking there, and who is one already."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from api import errors
from api.models import Booking, Membership, Role, User, Venue
from api.models.venues import Joining
from api.services.bookings.statements import InsertPart

_JOIN_WRITTEN: Final = (
    f"INSERT INTO {Membership._meta.db_table} (user_id, venue_id, role)"
    f" SELECT owner_id, venue_id, '{Role.CUSTOMER.value}' FROM written WHERE owner_id IS NOT NULL"
    " ON CONFLICT DO NOTHING"
)


def check_may_book(owner: User | None, venue: Venue) -> None:
    """Refuses `Forbidden` to whom a venue has not invited that takes bookings of its members
    only."""
    if venue.joining == Joining.OPEN or (owner is not None and owner.is_member_of(venue.pk)):
        return
    raise errors.Forbidden("This venue takes bookings of its members only.")


def build_membership_part(booking: Booking) -> InsertPart | None:
    """Makes the owner a customer of the venue, in the statement that inserts the booking; None
    where it is known that they are one of its people."""
    owner = booking.owner
    if owner is None or booking.venue_id in owner.__dict__.get("roles", ()):
        return None
    owner.forget_roles()
    return InsertPart(_JOIN_WRITTEN, [])


def join(user: User, venue_id: int, role: str = Role.CUSTOMER) -> None:
    """Makes them one of the venue's people; who is one keeps the role they have."""
    if venue_id not in user.__dict__.get("roles", ()):
        row = Membership(user=user, venue_id=venue_id, role=role)
        Membership.objects.bulk_create([row], ignore_conflicts=True)
        user.forget_roles()


def join_if_open(user: User, venue: Venue) -> None:
    """Makes who comes to a venue's door one of its customers, if it takes whoever comes."""
    if venue.joining == Joining.OPEN:
        join(user, venue.pk)


def list_people_of(venue_id: int, ids: Iterable[int]) -> list[User]:
    """Those of these people who have a role in the venue and are not erased."""
    wanted = set(ids)
    if not wanted:
        return []
    people = User.objects.filter(pk__in=wanted, erased_at=None)
    return list(people.filter(memberships__venue=venue_id))


def find_attendees(
    venue_id: int, people: Iterable[User | int], known: Iterable[int] = ()
) -> list[int]:
    """The ids of who is invited to a booking at the venue. Refuses `UnknownPeople` for who is none
    of its people, whether or not they exist, but for those who are `known` there already."""
    ids = {person if isinstance(person, int) else person.pk for person in people}
    unknown = ids - set(known)
    unknown -= {person.pk for person in list_people_of(venue_id, unknown)}
    if unknown:
        raise errors.UnknownPeople(errors={"attendees": [f"Unknown people: {sorted(unknown)}."]})
    return sorted(ids)


def find_customer(venue_id: int, owner: int | None = None, name: str = "", email: str = "") -> User:
    """Whom a key books for: one of the venue's people, by id, or a guest by name and address.
    Refuses `UnknownPeople` for anybody else, and `Unfit` unless it is one of the two."""
    if bool(name) != bool(email) or bool(name) == (owner is not None):
        raise errors.Unfit(errors={"owner": ["Give `owner`, or `name` and `email`."]})
    if owner is None:
        # a guest's booking, once there are guests
        raise errors.Unfit(errors={"email": ["This venue takes no bookings of guests."]})
    for person in list_people_of(venue_id, [owner]):
        return person
    raise errors.UnknownPeople(errors={"owner": ["This is none of the venue's people."]})
