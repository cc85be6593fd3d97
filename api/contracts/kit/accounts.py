"""Registering, signing in, refreshing and signing out; how tokens travel is the strategy's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from djoser.utils import login_user, logout_user
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import CharField

from api.rest.authentication import (
    delete_refresh_cookie,
    get_refresh_cookie,
    set_refresh_cookie,
)
from api.rest.throttling import AddressThrottle, client_ip
from api.services.accounts import accounts, joining, tokens

from .fields import Serializer
from .operations import operation
from .views import ContractView, PublicView


class AccessSerializer(Serializer):
    access = CharField()


class TokensSerializer(AccessSerializer):
    refresh = CharField()


class RefreshSerializer(Serializer):
    refresh = CharField(max_length=4096)


class BodyTokens:
    """Access and refresh token in bodies. With `rotates` a refresh token is good for one use."""

    def __init__(self, *, rotates: bool = False) -> None:
        self.rotates = rotates

    def issue(self, view: ContractView, user: Any) -> Any:
        return tokens.issue(user, view.contract)

    def refresh(self, view: ContractView) -> tokens.TokenPair:
        """Raises `TokenRefused`."""
        raw = self.given(view)
        renew = tokens.rotate if self.rotates else tokens.renew_access
        return renew(raw, view.contract)

    def revoke(self, view: ContractView) -> None:
        tokens.revoke(self.given(view))

    def given(self, view: ContractView) -> str | None:
        """The refresh token that the client sent."""
        return str(view.validated()["refresh"])

    def attach(self, response: Response, issued: Any) -> None:
        """Adds to the response what is not in its body."""

    def detach(self, view: ContractView, response: Response) -> None:
        """Has the client forget what was attached."""


class CookieTokens(BodyTokens):
    """The refresh token in an HttpOnly cookie."""

    def given(self, view: ContractView) -> str | None:
        return get_refresh_cookie(view.request)

    def attach(self, response: Response, issued: tokens.TokenPair) -> None:
        set_refresh_cookie(response, issued)

    def detach(self, view: ContractView, response: Response) -> None:
        delete_refresh_cookie(view.request, response)


class DjoserTokens(BodyTokens):
    """One token without an end, kept by djoser; nothing to refresh."""

    def issue(self, view: ContractView, user: Any) -> Any:
        return login_user(view.request, user)

    def revoke(self, view: ContractView) -> None:
        logout_user(view.request)


class AnonymousView(PublicView):
    """For anyone, at the rate of their address."""

    throttle_classes: Sequence[Any] = (AddressThrottle,)


class RegisterView(AnonymousView):
    """An address may be missing where its serializer says so. Whoever registers is a customer."""

    @operation("Create an account", status=201)
    def post(self, request: Request) -> Any:
        user = accounts.register(strong=False, **{"email": "", **self.validated()})
        joining.join_if_open(user, self.venue)
        return user


class LoginView(AnonymousView):
    """Its request serializer gives `login` and `password`; its response serializer gets what the
    strategy issued: a `TokenPair` with its user, or a token of djoser."""

    @operation("Sign in")
    def post(self, request: Request) -> Any:
        user = accounts.sign_in(**self.validated(), address=client_ip(request))
        joining.join_if_open(user, self.venue)
        issued = self.token_strategy.issue(self, user)
        response = self.respond(issued)
        self.token_strategy.attach(response, issued)
        return response


class RefreshView(AnonymousView):
    @operation("Renew the access token")
    def post(self, request: Request) -> Any:
        pair = self.token_strategy.refresh(self)
        response = self.respond(pair)
        if self.token_strategy.rotates:
            self.token_strategy.attach(response, pair)
        return response


class LogoutView(AnonymousView):
    @operation("Sign out")
    def post(self, request: Request) -> Any:
        self.token_strategy.revoke(self)
        response = self.respond({})
        self.token_strategy.detach(self, response)
        return response


class MeView(ContractView):
    @operation("Show one's own account")
    def get(self, request: Request) -> Any:
        return self.user
