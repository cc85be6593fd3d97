"""Who is calling: a person's access token, a panel's token, or a login with its password.

Also the cookie in which a browser keeps its refresh token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import make_password
from django.contrib.postgres.expressions import ArraySubquery
from django.db import NotSupportedError, connection
from django.db.models import CharField, OuterRef, Value
from django.db.models.functions import Cast, Concat
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, TokenAuthentication
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.tokens import AccessToken

from api.models import Membership, Nobody, Panel, Role, User, Venue
from api.models.identifiers import list_password_forms
from api.queries.venues.venues import get_venue_id
from api.rest.authorization import read_credentials
from api.rest.origins import is_untrusted_origin
from api.services.accounts.proofs import Proof
from api.services.accounts.tokens import TokenPair, get_signed_in_at, has_ended, has_second_factor
from api.services.panels import panels


class UserLookup:
    """What SimpleJWT asks of `User`, by one fixed statement for every request that reads the roles
    too: 0.11 ms of processor time and less, 0.34 when the ORM builds the query."""

    DoesNotExist = User.DoesNotExist
    names = tuple(field.attname for field in User._meta.concrete_fields)
    sql = (
        f"SELECT {', '.join(names)},"  # noqa: S608 - columns of a model
        " ARRAY(SELECT concat_ws(':', m.venue_id, m.role, v.second_factor_required, v.slug)"
        f" FROM {Membership._meta.db_table} m JOIN {Venue._meta.db_table} v ON v.id = m.venue_id"
        f" WHERE m.user_id = u.id),"
        " is_superuser AND EXISTS"
        f" (SELECT FROM {Venue._meta.db_table} WHERE second_factor_required)"
        f" FROM {User._meta.db_table} u WHERE id = %s"
    )

    @property
    def objects(self) -> UserLookup:
        return self

    def get(self, id: int) -> User:  # noqa: A002 - as the manager that it stands in for
        row = self._fetch(id)
        if row is None:
            raise User.DoesNotExist
        user = User.from_db(connection.alias, self.names, row[:-2])
        _set_roles(user, row[-2])
        user.is_factor_demanded = row[-1]
        return user

    def _fetch(self, id: int) -> Any:  # noqa: A002 - as above
        """By a prepared statement: 0.14 instead of 0.21 ms. Not in a transaction, because a
        plan that a migration has outdated would end it."""
        if not connection.in_atomic_block:
            try:
                with connection.prepared() as cursor:  # type: ignore[attr-defined]  # of backend.postgresql
                    cursor.execute(self.sql, [id])
                    return cursor.fetchone()
            except NotSupportedError:
                # the type of a column has changed: after this request the connection makes way for
                # one that has no plans yet
                connection.close_at = 0
        with connection.cursor() as cursor:
            cursor.execute(self.sql, [id])
            return cursor.fetchone()


def _set_roles(user: User, texts: Sequence[str]) -> None:
    """Of a person's venues, each as `id:role:whether a second factor is demanded:slug`."""
    roles = [text.split(":") for text in texts]
    user.granted_roles = [(int(pk), role, flag[0] == "t") for pk, role, flag, _ in roles]
    user.slugs = {slug: int(pk) for pk, _, _, slug in roles}


class RoleTokenAuthentication(TokenAuthentication):
    """A token without an end, of djoser, read with its person and their roles in one statement."""

    contract: str  # whose token it is

    def authenticate_credentials(self, key: str) -> tuple[User, Token]:
        demanded = Cast("venue__second_factor_required", CharField())
        parts = (Cast("venue", CharField()), "role", demanded, "venue__slug")
        colons = [part for each in parts for part in (Value(":"), each)]
        text = Concat(*colons[1:], output_field=CharField())
        memberships = Membership.objects.filter(user=OuterRef("user")).order_by()
        roles = ArraySubquery(memberships.values_list(text))
        rows = Token.objects.select_related("user").annotate(role_texts=roles)
        token: Any = rows.filter(key=key).first()
        if token is None:
            raise AuthenticationFailed("Invalid token.")
        if not token.user.is_active:
            raise AuthenticationFailed("User inactive or deleted.")
        _set_roles(token.user, token.role_texts)
        token.user.set_second_factor(False)  # a password is all that it was given for
        limit_to_contract(token.user, self.contract)
        return token.user, token


class BearerAuthentication(JWTAuthentication):
    """`Authorization: Bearer <access token>`; whoever fails it gets 401."""

    def __init__(self) -> None:
        super().__init__()
        self.user_model = UserLookup()  # type: ignore[assignment]  # it has the one method that is called

    def get_raw_token(self, header: bytes) -> bytes | None:
        scheme, token = read_credentials(header.decode("latin-1"))
        if scheme != "bearer":
            return None
        if not token:
            raise AuthenticationFailed("One token, after a space.", "bad_authorization_header")
        return token.encode()

    def get_user(self, validated_token: Any) -> Any:
        user: Any = super().get_user(validated_token)
        if has_ended(validated_token.payload, user):
            raise AuthenticationFailed("The session was ended.", "session_ended")
        user.set_second_factor(has_second_factor(validated_token.payload))
        contract = validated_token.get("contract", "v1")
        if contract != "v1":
            limit_to_contract(user, contract)
        return user


def limit_to_contract(user: User, contract: str) -> None:
    """Leaves the person the role that they have in the contract's venue: a token that was signed in
    for at one door opens no other with the rights of staff."""
    venue_id = user.slugs.get(contract)
    role = user.roles.get(venue_id or 0)
    if user.is_operator:
        venue_id, role = get_venue_id(contract), Role.ADMIN
        if venue_id is None:  # it is made from its preset when it is first asked for
            return
    user.limit_roles({venue_id: role} if venue_id and role else {})


class BearerScheme(SimpleJWTScheme):
    target_class = "api.rest.authentication.BearerAuthentication"
    name = "bearer"


class PanelAuthentication(BaseAuthentication):
    """`Authorization: Panel <token>`: the panel as `request.auth`; nobody is signed in."""

    def get_token(self, request: Request) -> str | None:
        scheme, token = read_credentials(request.headers.get("Authorization", ""))
        return token if scheme == "panel" else None

    def authenticate(self, request: Request) -> tuple[Nobody, Panel] | None:
        token = self.get_token(request)
        if token is None:
            return None
        panel = panels.authenticate(token)
        if panel is None:
            raise AuthenticationFailed
        return Nobody(), panel

    def authenticate_header(self, request: Request) -> str:
        return 'Panel realm="api"'


class DeviceAuthentication(PanelAuthentication):
    """A panel that sends `X-Device-Token` or a bearer token, as one contract has it.

    What looks like a person's access token is left to the next authentication class.
    """

    def get_token(self, request: Request) -> str | None:
        if device := request.headers.get("X-Device-Token"):
            return device.strip()
        scheme, token = read_credentials(request.headers.get("Authorization", ""))
        return token if scheme == "bearer" and token.count(".") != 2 else None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class PanelScheme(OpenApiAuthenticationExtension):
    target_class = "api.rest.authentication.PanelAuthentication"
    name = "panel"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": "Panel …"}


class DeviceScheme(OpenApiAuthenticationExtension):
    target_class = "api.rest.authentication.DeviceAuthentication"
    name = "device"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "header", "name": "X-Device-Token"}


class EmailOrUsernameBackend(ModelBackend):
    """Signs in by e-mail address, or by username where somebody chose one."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        login = username or kwargs.get("email") or ""
        if not login.strip() or password is None or "\0" in login + password:
            return None
        user = User.objects.find_by_login(login)
        if user is None:
            for form in list_password_forms(password):  # as slow as a wrong password
                make_password(form)
            return None
        ok = user.check_password(password) and self.user_can_authenticate(user)
        return user if ok else None


def set_refresh_cookie(response: HttpResponseBase, pair: TokenPair) -> None:
    """Puts the refresh token into a cookie: HttpOnly, and Secure wherever HTTPS is spoken."""
    response.set_cookie(
        settings.REFRESH_COOKIE,
        pair.refresh,
        max_age=pair.max_age,
        httponly=True,
        secure=settings.REFRESH_COOKIE_SECURE,
        samesite=settings.REFRESH_COOKIE_SAMESITE,
    )


def delete_refresh_cookie(request: Request, response: HttpResponseBase) -> None:
    """Has the browser forget it, unless another origin asks: nobody is signed out by a stranger."""
    if is_untrusted_origin(request):
        return
    response.delete_cookie(settings.REFRESH_COOKIE, samesite=settings.REFRESH_COOKIE_SAMESITE)


def get_refresh_cookie(request: Request) -> str | None:
    """The refresh token in the cookie; None when the request comes from an untrusted origin."""
    return None if is_untrusted_origin(request) else request.COOKIES.get(settings.REFRESH_COOKIE)


def get_claims(request: Request) -> Mapping[str, Any]:
    """Of the access token; none for whoever has no such token."""
    return request.auth.payload if isinstance(request.auth, AccessToken) else {}


def get_proof(request: Request, current_password: str | None = None) -> Proof:
    """What a change of address or password goes by: the password or, without one, when the bearer
    signed in. A token without an end is as old as its last sign-in."""
    auth, user = request.auth, cast(User, request.user)
    if isinstance(auth, AccessToken):
        return Proof(current_password, get_signed_in_at(auth.payload))
    if isinstance(auth, Token):
        return Proof(current_password, max(auth.created, user.last_login or auth.created))
    return Proof(current_password)
