"""Who may call a view at all. What they may do to a row, services decide."""

from rest_framework.permissions import SAFE_METHODS, AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from api.models import Panel

__all__ = [
    "AllowAny",
    "IsAdmin",
    "IsAdminOrReadOnly",
    "IsAuthenticated",
    "IsPanel",
    "IsStaff",
    "IsStaffOrReadOnly",
    "PanelOrSignedIn",
    "ReadOnlyOrRole",
]


class IsStaff(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(request.user.is_authenticated and request.user.is_staff)


class IsAdmin(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(request.user.is_authenticated and getattr(request.user, "is_admin", False))


class IsPanel(BasePermission):
    """A panel, by its own token."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.auth, Panel)


class PanelOrSignedIn(IsPanel):
    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(request.user.is_authenticated) or super().has_permission(request, view)


class ReadOnlyOrRole(BasePermission):
    """Anyone may read; `role` names the attribute of the user who may write."""

    role = "is_staff"

    def has_permission(self, request: Request, view: APIView) -> bool:
        if request.method in SAFE_METHODS:
            return True
        return bool(request.user.is_authenticated and getattr(request.user, self.role, False))


class IsStaffOrReadOnly(ReadOnlyOrRole):
    role = "is_staff"


class IsAdminOrReadOnly(ReadOnlyOrRole):
    role = "is_admin"
