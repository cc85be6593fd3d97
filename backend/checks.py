"""System checks for settings that are unsafe to serve with.

`manage.py check --deploy` shows them, and no process that serves starts with one of them. `make up`
and DEBUG on the local machine may be careless with secrets and hosts; nothing else may.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured

LOOPBACK = ("localhost", "127.0.0.1", "[::1]", "::1")
MIN_SECRET_LENGTH = 32  # characters
MIN_DIFFERENT_CHARACTERS = 8
PLACEHOLDERS = ("django-insecure", "your-", "your_", "changeme", "change-me", "secret")
SECRETS = ("SECRET_KEY", "JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET")


@register(Tags.security, deploy=True)
def check_debug(**_: Any) -> Iterator[CheckMessage]:
    public = [host for host in settings.ALLOWED_HOSTS if not is_local(host)]
    unreachable = settings.EMBEDDED and is_local(settings.HOST)
    if settings.DEBUG and public and not unreachable:
        yield Error(
            f"DEBUG shows settings and code to {', '.join(public)}: unset one of the two.",
            id="holdfast.E001",
        )


@register(Tags.security, deploy=True)
def check_origins(**_: Any) -> Iterator[CheckMessage]:
    for origin in settings.CORS_ALLOWED_ORIGINS:
        parts = urlsplit(origin)
        if "*" in origin or origin == "null":
            yield Error(
                f"CORS_ALLOWED_ORIGINS holds {origin}: any page could act for people.",
                id="holdfast.E002",
            )
        elif settings.HTTPS and parts.scheme == "http" and not is_local(parts.hostname or ""):
            yield Error(
                f"CORS_ALLOWED_ORIGINS holds {origin}: say https, http can be rewritten.",
                id="holdfast.E003",
            )


@register(Tags.security, deploy=True)
def check_secrets(**_: Any) -> Iterator[CheckMessage]:
    if settings.EMBEDDED or settings.DEBUG:
        return
    for name in SECRETS:
        if is_weak(getattr(settings, name)):
            yield Error(f"{name} can be guessed: make one with `make env`.", id="holdfast.E004")
    if len({getattr(settings, name) for name in SECRETS}) < len(SECRETS):
        yield Error(
            f"{', '.join(SECRETS)} must differ: whoever learns one has the others.",
            id="holdfast.E005",
        )


@register(Tags.security, deploy=True)
def check_hosts(**_: Any) -> Iterator[CheckMessage]:
    if "*" in settings.ALLOWED_HOSTS and not (settings.EMBEDDED or settings.DEBUG):
        yield Error("ALLOWED_HOSTS holds *: name the hosts that are yours.", id="holdfast.E006")


@register(Tags.security, deploy=True)
def check_provider(**_: Any) -> Iterator[CheckMessage]:
    providers = cast(dict[str, Any], settings.SOCIALACCOUNT_PROVIDERS)
    for app in providers["openid_connect"]["APPS"]:
        parts = urlsplit(app["settings"]["server_url"])
        if parts.scheme != "https" and not is_local(parts.hostname or ""):
            yield Error("OIDC_ISSUER is not https: it could be anybody.", id="holdfast.E007")


CHECKS = (check_debug, check_origins, check_secrets, check_hosts, check_provider)


def refuse_unsafe_settings() -> None:
    """Raise `ImproperlyConfigured` with a line for each unsafe setting; none repeats a secret.

    Called by each process that serves; tools may still read the settings that only they use.
    """
    if found := [str(message.msg) for check in CHECKS for message in check()]:
        raise ImproperlyConfigured("\n".join(found))


def refuse_open_flower() -> None:
    """Flower shows every task and can end workers: it never starts without a password."""
    env = os.environ
    if not (env.get("FLOWER_BASIC_AUTH") or env.get("FLOWER_AUTH")):
        raise ImproperlyConfigured("Set FLOWER_BASIC_AUTH=name:password: Flower shows every task.")


def is_local(host: str) -> bool:
    return host in LOOPBACK or host.endswith(".localhost")


def is_weak(secret: str) -> bool:
    copied = any(word in secret.lower() for word in PLACEHOLDERS)
    return copied or len(secret) < MIN_SECRET_LENGTH or len(set(secret)) < MIN_DIFFERENT_CHARACTERS
