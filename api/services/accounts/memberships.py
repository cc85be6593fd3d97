"""The people of a venue: who becomes one, in which role, and how that ends.

Admins are locked, in id order, before one of them loses the role: two who demote each other do not
both succeed, and a venue that has an admin keeps one.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from api import errors
from api.models import Caller, Invitation, Membership, Role, User, Venue
from api.models.identifiers import build_key
from api.services.messages import notifications

from .joining import join


def get_role(user: User, venue_id: int) -> str:
    """The role in the venue; empty for who is none of its people."""
    return user.roles.get(venue_id, "")


@dataclass(frozen=True)
class Invited:
    """What came of an invitation: a membership and whether it is new, or a letter."""

    membership: Membership | None = None
    created: bool = False


@transaction.atomic
def invite(
    venue: Venue, role: str, *, by: Caller, user: int | None = None, email: str = ""
) -> Invited:
    """Makes somebody a member with this role: an account at once, else whoever registers with the
    address and shows that they read its mail. To a member it gives the role.

    Refuses `Forbidden` to who is not an admin of the venue, `UnknownPeople`, and what
    `set_role` refuses."""
    if not by.is_admin_of(venue.pk):
        raise errors.Forbidden
    found = _find_account(user, email)
    if user is not None and (found is None or _is_unknown_to(found, venue, by)):
        raise errors.UnknownPeople(errors={"user": [f"Unknown person: {user}."]})
    if found is None:
        _send_invitation(venue, email, role, by)
        return Invited()
    membership, created = Membership.objects.get_or_create(
        user=found, venue=venue, defaults={"role": role}
    )
    found.forget_roles()
    return Invited(membership if created else set_role(membership, role, by=by), created)


def _find_account(user: int | None, email: str) -> User | None:
    accounts = User.objects.filter(erased_at=None)
    if user is not None:
        return accounts.filter(pk=user).first()
    return accounts.filter(email_key=build_key(email)).first()


def _is_unknown_to(user: User, venue: Venue, by: Caller) -> bool:
    """Whether somebody is one of the people of other venues alone: of them nobody reads by their id
    who they are, only who knows their address may add them."""
    return not by.is_operator and bool(user.roles) and venue.pk not in user.roles


def _send_invitation(venue: Venue, email: str, role: str, by: Caller) -> None:
    """The last one counts; a letter for each."""
    columns = {"email": email, "role": role, "created_at": Now()}
    columns["invited_by"] = by if isinstance(by, User) else None
    invitation, _ = Invitation.objects.update_or_create(
        venue=venue, email_key=build_key(email), defaults=columns
    )
    invitation.refresh_from_db()
    notifications.email_invitation(invitation)


def accept_invitations(user: User) -> None:
    """Makes somebody whose address is verified a member wherever that address was invited, in the
    role of the invitation unless they have a higher one."""
    if user.email_verified_at is None or user.erased_at is not None:
        return
    with transaction.atomic():
        for invitation in Invitation.objects.filter(email_key=user.email_key).select_for_update():
            join(user, invitation.venue_id, invitation.role)
            lower = Role.values[: Role.values.index(invitation.role)]
            own = Membership.objects.filter(user=user, venue=invitation.venue_id, role__in=lower)
            own.update(role=invitation.role)
            invitation.delete()
    user.forget_roles()


def set_role(membership: Membership, role: str, *, by: Caller) -> Membership:
    """Gives a member another role, from the next request on. Refuses `Forbidden` to who is not an
    admin of the venue, and `LastAdmin`."""
    if not by.is_admin_of(membership.venue_id):
        raise errors.Forbidden
    with transaction.atomic():
        if role != Role.ADMIN:
            ensure_admins_remain(membership.user_id, [membership.venue_id], by=by)
        Membership.objects.filter(pk=membership.pk).update(role=role)
    membership.role = role
    membership.user.forget_roles()
    return membership


def remove(membership: Membership, *, by: Caller) -> None:
    """Ends a membership, and all rights with it; bookings stay. By an admin of the venue, and by
    oneself. Refuses `Forbidden` and `LastAdmin`."""
    is_own = membership.user_id == by.person_id
    if not (is_own or by.is_admin_of(membership.venue_id)):
        raise errors.Forbidden
    with transaction.atomic():
        ensure_admins_remain(membership.user_id, [membership.venue_id], by=by)
        Membership.objects.filter(pk=membership.pk).delete()
    membership.user.forget_roles()


def set_role_in(venue: Venue, user: User, role: str, *, by: Caller) -> None:
    """As `set_role`, of one of the venue's people; refuses `NotFound` for anybody else."""
    found = Membership.objects.filter(venue=venue, user=user).select_related("user").first()
    if found is None:
        raise errors.NotFound
    set_role(found, role, by=by)
    user.forget_roles()
    user.role_here = role


def add(venue: Venue, user: User, role: str, *, by: Caller) -> None:
    """Makes a new account one of the venue's people. By an admin of it."""
    if not by.is_admin_of(venue.pk):
        raise errors.Forbidden
    join(user, venue.pk, role)
    user.role_here = role


@transaction.atomic
def hand_over(venue: Venue, to: User, *, by: User) -> None:
    """Makes another member the venue's admin and the admin who does it its staff, at once."""
    set_role_in(venue, to, Role.ADMIN, by=by)
    if by.roles.get(venue.pk) == Role.ADMIN and by.pk != to.pk:
        set_role_in(venue, by, Role.STAFF, by=by)


def ensure_admins_remain(user_id: int, venues: Collection[int], *, by: Caller | None) -> None:
    """Raise `LastAdmin` where this person is the only active admin of one of these venues. Only an
    operator may leave a venue without one."""
    if by is not None and by.is_operator:
        return
    admins = Membership.objects.filter(venue__in=venues, role=Role.ADMIN)
    active = admins.filter(user__is_active=True).order_by("pk")
    rows = list(active.select_for_update(no_key=True, of=("self",)).values_list("venue", "user"))
    for venue in {venue for venue, user in rows if user == user_id}:
        if {user for at, user in rows if at == venue} == {user_id}:
            raise errors.LastAdmin("The last admin stays one.")


def list_admin_venues_of(user: User) -> list[int]:
    """The ids of the venues that this person is an admin of."""
    rows = Membership.objects.filter(user=user, role=Role.ADMIN)
    return list(rows.values_list("venue", flat=True))


def has_role_elsewhere(user: User, venue_id: int) -> bool:
    """Whether they are an operator, or one of the people of another venue too."""
    others = Membership.objects.filter(~Q(venue=venue_id), user=user)
    return user.is_superuser or others.exists()
