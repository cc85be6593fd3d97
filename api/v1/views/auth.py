"""Register, sign in and out, passwords, one's own data."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from api.queries.accounts import personal_data
from api.rest.authentication import (
    drop_refresh_cookie,
    refresh_cookie,
    set_refresh_cookie,
)
from api.rest.idempotency import IdempotentAPIView
from api.rest.throttling import AddressThrottle
from api.services.accounts import accounts, tokens
from api.v1.serializers import accounts as shapes


def brought_refresh(request: Request) -> str | None:
    """The refresh token of the body, else of the cookie."""
    body = request.data if isinstance(request.data, dict) else {}
    return body.get("refresh") or refresh_cookie(request)


class Anonymous(IdempotentAPIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (AddressThrottle,)
    idempotent = False


class Register(Anonymous):
    idempotent = True

    @extend_schema(request=shapes.Registration, responses={201: shapes.Person}, auth=[])
    def post(self, request: Request) -> Response:
        user = accounts.register(**self.read(shapes.Registration))
        return Response(shapes.Person(user).data, status=201)


class Login(Anonymous):
    @extend_schema(request=shapes.Login, responses=shapes.Tokens, auth=[])
    def post(self, request: Request) -> Response:
        body = self.read(shapes.Login)
        address = AddressThrottle().get_ident(request)
        user = accounts.sign_in(login=body["email"], password=body["password"], address=address)
        pair = tokens.issue(user)
        person = shapes.Person(user).data
        response = Response({"access": pair.access, "refresh": pair.refresh, "user": person})
        set_refresh_cookie(response, pair)
        return response


class Refresh(Anonymous):
    @extend_schema(request=shapes.RefreshBody, responses=shapes.NewTokens, auth=[])
    def post(self, request: Request) -> Response:
        self.read(shapes.RefreshBody)
        pair = tokens.rotate(brought_refresh(request))
        response = Response({"access": pair.access, "refresh": pair.refresh})
        set_refresh_cookie(response, pair)
        return response


class Logout(Anonymous):
    @extend_schema(request=shapes.RefreshBody, responses={204: None}, auth=[])
    def post(self, request: Request) -> Response:
        self.read(shapes.RefreshBody)
        tokens.revoke(brought_refresh(request))
        response = Response(status=204)
        drop_refresh_cookie(response)
        return response


class Me(IdempotentAPIView):
    @extend_schema(responses=shapes.Person)
    def get(self, request: Request) -> Response:
        return Response(shapes.Person(self.user).data)

    @extend_schema(request=shapes.MyEdit, responses=shapes.Person)
    def patch(self, request: Request) -> Response:
        changes = self.read(shapes.MyEdit, partial=True)
        return Response(shapes.Person(accounts.edit(self.user, changes, by=self.user)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request) -> Response:
        accounts.erase(self.user)
        response = Response(status=204)
        drop_refresh_cookie(response)
        return response


class Export(IdempotentAPIView):
    @extend_schema(responses={200: dict[str, Any]})
    def get(self, request: Request) -> Response:
        return Response(personal_data.everything_about(self.user))


class Password(IdempotentAPIView):
    idempotent = False

    @extend_schema(request=shapes.PasswordChange, responses=shapes.NewTokens)
    def post(self, request: Request) -> Response:
        """Ends every other session; the answer holds the tokens of this one."""
        body = self.read(shapes.PasswordChange)
        accounts.change_password(self.user, body["current_password"], body["new_password"])
        pair = tokens.issue(self.user)
        response = Response({"access": pair.access, "refresh": pair.refresh})
        set_refresh_cookie(response, pair)
        return response


class Reset(Anonymous):
    idempotent = True

    @extend_schema(request=shapes.ResetRequest, responses={204: None}, auth=[])
    def post(self, request: Request) -> Response:
        """Answers alike whether or not the address has an account."""
        accounts.ask_reset(self.read(shapes.ResetRequest)["email"])
        return Response(status=204)


class ResetConfirm(Anonymous):
    idempotent = True

    @extend_schema(request=shapes.ResetConfirm, responses={204: None}, auth=[])
    def post(self, request: Request) -> Response:
        body = self.read(shapes.ResetConfirm)
        accounts.reset_password(body["uid"], body["token"], body["new_password"])
        return Response(status=204)
