"""How often one address, and one account, may call."""

from __future__ import annotations

from django.http import HttpRequest
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView


class AddressThrottle(SimpleRateThrottle):
    """Counts by the caller's address, signed in or not."""

    scope = "auth"

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)}


def client_ip(request: Request | HttpRequest) -> str:
    """The caller's address; of `X-Forwarded-For` only what our own proxies wrote counts."""
    return str(AddressThrottle().get_ident(request))  # type: ignore[arg-type]  # Django's request has what it reads


class AnonymousThrottle(AddressThrottle):
    scope = "anonymous"

    def get_cache_key(self, request: Request, view: APIView) -> str | None:  # type: ignore[override]  # DRF allows None, its types do not
        return None if request.user.is_authenticated else super().get_cache_key(request, view)


class AccountThrottle(SimpleRateThrottle):
    """Counts what a person writes, from wherever they do."""

    scope = "account"

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        if request.method in SAFE_METHODS or not request.user.is_authenticated:
            return None
        return self.cache_format % {"scope": self.scope, "ident": request.user.pk}


class KeyThrottle(SimpleRateThrottle):
    """Counts what a key reads and writes."""

    scope = "key"

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return self.cache_format % {"scope": self.scope, "ident": request.auth.pk}
