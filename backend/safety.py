"""Settings that nobody may be served with, said in plain words before the first request.

The rule: what only tries Holdfast out on its own machine may be careless; anything else may not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings as configured
from django.core.exceptions import ImproperlyConfigured

LOOPBACK = ("localhost", "127.0.0.1", "[::1]", "::1")
SHORTEST = 32  # characters of a secret
FEWEST = 8  # different ones among them
PLACEHOLDERS = ("django-insecure", "your-", "your_", "changeme", "change-me", "secret")


def refuse() -> None:
    """Raises `ImproperlyConfigured` with every danger of the settings; called by each process that
    serves, so that tools may still read settings that only they use."""
    if found := list(dangers(configured)):
        raise ImproperlyConfigured(" ".join(found))


def dangers(settings: Any) -> Iterator[str]:
    """One sentence for each; none of them repeats a secret."""
    yield from _of_debugging(settings)
    yield from _of_origins(settings)
    if not (settings.EMBEDDED or settings.DEBUG):
        yield from _of_secrets(settings)
        yield from _of_hosts(settings)


def is_local(host: str) -> bool:
    return host in LOOPBACK or host.endswith(".localhost")


def _of_debugging(settings: Any) -> Iterator[str]:
    public = [host for host in settings.ALLOWED_HOSTS if not is_local(host)]
    alone = settings.EMBEDDED and is_local(settings.HOST)
    if settings.DEBUG and public and not alone:
        yield f"DEBUG shows settings and code to {', '.join(public)}: unset one of the two."


def _of_origins(settings: Any) -> Iterator[str]:
    for origin in settings.CORS_ALLOWED_ORIGINS:
        if "*" in origin or origin == "null":
            yield f"CORS_ALLOWED_ORIGINS holds {origin}: any page could act for people."
        elif settings.HTTPS and _can_be_rewritten(origin):
            yield f"CORS_ALLOWED_ORIGINS holds {origin}: say https, http can be rewritten."


def _can_be_rewritten(origin: str) -> bool:
    parts = urlsplit(origin)
    return parts.scheme == "http" and not is_local(parts.hostname or "")


def _of_secrets(settings: Any) -> Iterator[str]:
    names = ("SECRET_KEY", "JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET")
    for name in names:
        if is_weak(getattr(settings, name)):
            yield f"{name} can be guessed: make one with `make env`."
    if len({getattr(settings, name) for name in names}) < len(names):
        yield f"{', '.join(names)} must differ: whoever learns one has the others."


def is_weak(secret: str) -> bool:
    copied = any(word in secret.lower() for word in PLACEHOLDERS)
    return copied or len(secret) < SHORTEST or len(set(secret)) < FEWEST


def _of_hosts(settings: Any) -> Iterator[str]:
    if "*" in settings.ALLOWED_HOSTS:
        yield "ALLOWED_HOSTS holds *: name the hosts that are yours."
