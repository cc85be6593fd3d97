"""Who may call a view at all, and whose rows it answers. What they may do to a row, services
decide.

The roles are those in the view's venue where it has one (`get_venue_id`), else in any: then its
rows are limited to the venues where the caller has the role.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from rest_framework.permissions import SAFE_METHODS, AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from api.models import Caller, Nobody, Panel

__all__ = [
    "AllowAny",
    "IsAdmin",
    "IsAdminOrReadOnly",
    "IsAuthenticated",
    "IsMember",
    "IsOperator",
    "IsPanel",
    "IsStaff",
    "IsStaffOrReadOnly",
    "Nobody",
    "PanelOrSignedIn",
    "ReadOnlyOrRole",
    "Scope",
]


class Scope(Enum):
    """Whose rows a view answers. Every view says it; one that does not answers none at all."""

    ANYONE = "nobody's in particular"
    SELF = "the caller's own"
    VISIBLE = "the caller's own, and those at venues where they are staff"
    STAFF = "those at venues where the caller is staff"
    STAFF_WRITES = "read by anyone; changed at venues where the caller is staff"
    ADMIN = "those at venues where the caller is an admin"
    ADMIN_WRITES = "read by anyone; changed at venues where the caller is an admin"
    OPERATOR = "the instance's, for its operator"
    VENUE = "those of the view's one venue, by the caller's role in it"
    DEVICE = "the room of the panel that calls"
    TOKEN = "what the secret in the request names"  # noqa: S105 - no password


class IsMember(BasePermission):
    """One of the people of the view's venue."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.user.is_authenticated and get_caller(request).is_member_of(
            view.get_venue_id()
        )


class IsStaff(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        return request.user.is_authenticated and _has_role(request, view, "staff")


class IsAdmin(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        return request.user.is_authenticated and _has_role(request, view, "admin")


class IsOperator(BasePermission):
    """Of the whole instance."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(get_caller(request).is_operator)


def get_caller(request: Any) -> Caller:
    """Who calls: a person, or nobody."""
    caller: Caller = request.user
    return caller


def _has_role(request: Request, view: Any, role: str) -> bool:
    caller, venue_id = get_caller(request), view.get_venue_id()
    if venue_id is None:
        return bool(getattr(caller, f"is_{role}_somewhere"))
    return bool(getattr(caller, f"is_{role}_of")(venue_id))


class IsPanel(BasePermission):
    """A panel, by its own token."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.auth, Panel)


class PanelOrSignedIn(IsPanel):
    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(request.user.is_authenticated) or super().has_permission(request, view)


class ReadOnlyOrRole(BasePermission):
    """Anyone may read; who has the `role` may write."""

    role = "staff"

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.method in SAFE_METHODS:
            return True
        return request.user.is_authenticated and _has_role(request, view, self.role)


class IsStaffOrReadOnly(ReadOnlyOrRole):
    role = "staff"


class IsAdminOrReadOnly(ReadOnlyOrRole):
    role = "admin"
