"""Addresses of Redis and of the broker, as providers give them: with TLS, users and options.

The rule: TLS means that the other side proves who it is, unless the address itself says otherwise.
"""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import urlsplit


def with_proof(url: str) -> str:
    """A `rediss://` address that insists on a certificate: kombu would take any without a word."""
    if not url.startswith("rediss://") or "ssl_cert_reqs=" in url:
        return url
    return f"{url}{'&' if '?' in url else '?'}ssl_cert_reqs=required"


def database(url: str, number: int) -> str:
    """The same server and options, another of its numbered databases."""
    parts = urlsplit(url)
    return parts._replace(path=f"/{number}").geturl()


def tls(url: str, authority: str) -> dict[str, Any] | None:
    """What Celery is to ask of an `amqps://` server: the name in the address, vouched for by the
    authority in that file or by those the system knows. None for any other broker."""
    if not url.startswith("amqps://"):
        return None
    asked = {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": None}  # None: the address's
    return asked | ({"ca_certs": authority} if authority else {})
