"""How an API key signs in, and which operations its scopes open.

Each operation takes the scopes that its view says in `key_scopes`, by action or method; where it
says nothing, reading what staff read takes `read`, and changing what staff change takes `manage`.
Whatever is for somebody's own account, for admins or for operators takes none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from api import errors
from api.models import ApiKey, KeyCaller
from api.models.keys import Scope as KeyScope
from api.rest.authorization import read_credentials
from api.rest.permissions import (
    AllowAny,
    IsStaff,
    IsStaffOrReadOnly,
    ReadOnlyOrRole,
    Scope,
    get_caller,
)
from api.services.accounts import keys

Scopes = frozenset[str]
NONE: Scopes = frozenset()
READING, BOOKING, MANAGING = (frozenset([scope.value]) for scope in KeyScope)

_READ_BY_STAFF = (
    *(Scope.ANYONE, Scope.VISIBLE, Scope.VENUE),
    *(Scope.STAFF, Scope.STAFF_WRITES, Scope.ADMIN_WRITES),
)
_CHANGED_BY_STAFF = (Scope.STAFF, Scope.STAFF_WRITES, Scope.VENUE)


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer hfk_…`; any other token is left to the next class."""

    def authenticate(self, request: Request) -> tuple[KeyCaller, ApiKey] | None:
        scheme, token = read_credentials(request.headers.get("Authorization", ""))
        if scheme != "bearer" or not token.startswith(keys.PREFIX):
            return None
        key = keys.find_key(token)
        if key is None:
            raise AuthenticationFailed
        return KeyCaller(key), key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class KeyAuthenticationScheme(OpenApiAuthenticationExtension):
    target_class = "api.rest.keys.KeyAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "hfk_…",
            "description": "An API key. Each operation says which scope it takes.",
        }


def list_key_scopes(view: Any, method: str) -> Scopes:
    """Any of these opens the operation; none of them, no key does."""
    if not getattr(view, "takes_keys", False):
        return NONE
    declared: Mapping[str, Scopes] = getattr(view, "key_scopes", {})
    action = getattr(view, "action", None) or method.lower()
    if action in declared:
        return declared[action]
    if view.scope is Scope.VENUE and not _is_for_staff(view):
        return NONE
    if method in SAFE_METHODS:
        return READING if view.scope in _READ_BY_STAFF else NONE
    return MANAGING if view.scope in _CHANGED_BY_STAFF else NONE


def _is_for_staff(view: Any) -> bool:
    return any(isinstance(each, (IsStaff, IsStaffOrReadOnly)) for each in view.get_permissions())


def is_read_by_anyone(view: Any, method: str) -> bool:
    return method in SAFE_METHODS and any(
        isinstance(permission, (AllowAny, ReadOnlyOrRole)) for permission in view.get_permissions()
    )


def check_key(request: Request, view: Any) -> None:
    """Refuses `Forbidden` where the caller is a key without the scope. What anyone may read it
    reads too, as anyone does."""
    caller = get_caller(request)
    if not isinstance(caller, KeyCaller):
        return
    method = request.method or ""
    if list_key_scopes(view, method).isdisjoint(caller.key.scopes):
        if not is_read_by_anyone(view, method):
            raise errors.Forbidden("This key has no scope for that.")
        caller.roles = {}
